"""Updates at odd moments work, or get a clear error and change nothing; they never hang or crash."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from tests.contract.api.scenario import run_script

PROGRAM = """
import sys, textwrap
import rebottle
from pathlib import Path

def write(value, extra=""):
    text = f"import sys\\ndef f(): return {value}\\nclass C:\\n    def m(self): return f()\\n"
    Path("lib.py").write_text(text + extra)

def update(value):
    return rebottle.reload(["lib"], sources={"lib": f"import sys\\ndef f(): return {value}\\nclass C:\\n"
                                                    f"    def m(self): return f()\\n"})

write(1)
import lib
"""

SCRIPTS = {
    "near the recursion limit": (
        """
        def dive(left):
            return dive(left - 1) if left else update(2)
        outcomes = set()
        sys.setrecursionlimit(300)
        for depth in range(200, 299):
            try:
                dive(depth).rollback()
                outcomes.add("done")
            except (RecursionError, rebottle.UpdateError) as error:
                assert isinstance(error, RecursionError) or "RecursionError" in str(error), error
                outcomes.add("error")
            assert lib.f() == 1 == lib.C().m()
        sys.setrecursionlimit(1000)
        update(3)
        print(sorted(outcomes), lib.f())
        """,
        "['done', 'error'] 3",
    ),
    "in a signal handler": (
        """
        import signal
        signal.signal(signal.SIGUSR1, lambda *_: update(2))
        signal.raise_signal(signal.SIGUSR1)
        print(lib.f())
        """,
        "2",
    ),
    "in a signal handler in the middle of an update": (
        """
        import signal
        def handler(*_):
            try:
                update(9)
            except rebottle.RefusedError as error:
                print(error.refusals[0].rule)
        signal.signal(signal.SIGUSR1, handler)
        sys.signal = signal
        rebottle.reload(["lib"], sources={"lib": "import sys\\ndef f(): return 2\\n"
                                                "sys.signal.raise_signal(sys.signal.SIGUSR1)\\nX = 1\\n"})
        print(lib.f(), lib.X)
        """,
        "nested-update|2 1",
    ),
    "in a hook": (
        """
        sys.update = update
        text = ("import sys, rebottle\\ndef f(): return 2\\ndef __after_update__(ctx):\\n"
                "    try: sys.update(9)\\n    except rebottle.RefusedError as e: print(e.refusals[0].rule)\\n")
        rebottle.reload(["lib"], sources={"lib": text})
        print(lib.f())
        """,
        "nested-update|2",
    ),
    "in a finalizer": (
        """
        class Late:
            def __del__(self): update(2)
        Late()
        print(lib.f())
        """,
        "2",
    ),
    "in a finalizer in the middle of an update": (
        """
        class Late:
            def __del__(self):
                try: update(9)
                except rebottle.RefusedError as error: print(error.refusals[0].rule)
        sys.late = Late
        rebottle.reload(["lib"], sources={"lib": "import sys\\ndef f(): return 2\\nsys.late()\\n"})
        print(lib.f())
        """,
        "nested-update|2",
    ),
    "at exit": (
        """
        import atexit
        def late():
            update(2)
            print(lib.f())
        atexit.register(late)
        """,
        "2",
    ),
    "at the very end": (
        """
        import os
        class Late:
            def __init__(self): self.update, self.lib, self.write = rebottle.reload, lib, os.write
            def __del__(self):
                try: self.update(["lib"], sources={"lib": "def f(): return 2\\n"})
                except Exception as error: self.write(1, error.refusals[0].rule.encode())
                else: self.write(1, b"%d" % self.lib.f())
        sys.late = Late()
        lib.late = sys.late
        """,
        "shutting-down",
    ),
    "by daemon threads at the end": (
        """
        import threading
        ready = threading.Barrier(4)
        def work(start):
            update(start)
            ready.wait()
            n = start
            while True:
                n += 1
                update(n)
        for i in range(3): threading.Thread(target=work, args=(i * 1000,), daemon=True).start()
        ready.wait()
        print("end")
        """,
        "end",
    ),
    "by a daemon thread that the program's own code keeps, at the end": (
        """
        import threading, time
        sys.reached = threading.Event()
        text = "import sys, time\\nsys.reached.set()\\nwhile True: time.sleep(0.01)\\n"
        threading.Thread(target=rebottle.reload, args=("lib",), kwargs={"sources": {"lib": text}}, daemon=True).start()
        sys.reached.wait()
        print("end")
        """,
        "end",
    ),
    "in a forked child": (
        """
        import os
        child = os.fork()
        if not child:
            update(2)
            os._exit(lib.f() * 10 + lib.C().m())
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), lib.f())
        """,
        "22 1",
    ),
    "in a child forked while another thread updates": (
        """
        import os, threading
        stop = threading.Event()
        def work():
            while not stop.is_set(): update(1)
        thread = threading.Thread(target=work)
        thread.start()
        codes = set()
        for _ in range(20):
            child = os.fork()
            if not child:
                update(2)
                os._exit(lib.f() * 10 + lib.C().m())
            codes.add(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        stop.set()
        thread.join()
        print(codes)
        """,
        "{22}",
    ),
    "in a child forked while another thread's update runs a statement": (
        """
        import os, threading, types
        sys.reached, sys.go_on = threading.Event(), threading.Event()
        text = "import sys\\ndef f(): return 2\\nsys.reached.set()\\nsys.go_on.wait()\\nX = 1\\n"
        thread = threading.Thread(target=rebottle.reload, args=("lib",), kwargs={"sources": {"lib": text}})
        thread.start()
        sys.reached.wait()
        child = os.fork()
        if not child:
            plain = type(lib) is types.ModuleType and lib.f() == 1
            update(3)
            os._exit(lib.f() * 10 + plain)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        sys.go_on.set()
        thread.join()
        print(lib.f(), lib.X)
        """,
        "31|2 1",
    ),
    "from the module's own code": (
        """
        Path("own.py").write_text("import rebottle\\ndef f(): return 1\\ndef go():\\n"
                                  "    rebottle.reload(['own'], sources={'own': SOURCE})\\n    return f()\\n")
        import own
        own.SOURCE = Path("own.py").read_text().replace("return 1", "return 2")
        print(own.go(), own.f())
        """,
        "2 2",
    ),
    "while another thread imports the module": (
        """
        import threading
        sys.reached, sys.go_on = threading.Event(), threading.Event()
        Path("slow.py").write_text("import sys\\ndef f(): return 1\\nsys.reached.set()\\nsys.go_on.wait()\\nX = 1\\n")
        thread = threading.Thread(target=lambda: __import__("slow"))
        thread.start()
        sys.reached.wait()
        text = Path("slow.py").read_text().replace("return 1", "return 2")
        try:
            rebottle.reload(["slow"], sources={"slow": text})
        except rebottle.UpdateError:
            pass
        sys.go_on.set()
        thread.join()
        import slow
        print(slow.X, slow.f() in (1, 2))
        """,
        "1 True",
    ),
    "in a sub-interpreter": (
        """
        try:
            import _interpreters as interpreters
        except ImportError:
            import _xxsubinterpreters as interpreters
        code = "try:\\n import rebottle\\nexcept ImportError as error:\\n print('interp' in str(error))"
        which = interpreters.create()
        interpreters.run_string(which, "import sys; sys.path[:] = %r\\n%s" % (sys.path, code))
        interpreters.destroy(which)
        update(2)
        print(lib.f())
        """,
        "True|2",
    ),
}


ENDING = """
import argparse, enum, json.decoder, sys, textwrap, threading
import rebottle

begun = threading.Event()
def work():
    while True:
        for name in ("textwrap", "json.decoder", "argparse", "enum"):
            rebottle.reload(name, force=sys.argv[1])
            begun.set()

threading.Thread(target=work, daemon=True).start()
begun.wait()
"""


@pytest.mark.parametrize("force", ["functions", "classes"])
def test_the_interpreter_ends_while_a_daemon_thread_updates(tmp_path: Path, force: str) -> None:
    for _ in range(5):  # at five moments of an update
        assert run_script(tmp_path, ENDING.replace("sys.argv[1]", repr(force))) == []


@pytest.mark.parametrize(("script", "expected"), SCRIPTS.values(), ids=SCRIPTS)
def test_an_update(tmp_path: Path, script: str, expected: str) -> None:
    assert run_script(tmp_path, PROGRAM + textwrap.dedent(script)) == expected.split("|")


BESIDE = """
import argparse, enum, json.decoder, sys, textwrap, threading
import rebottle

try:
    import _interpreters as interpreters
    isolated = ("isolated",)
except ImportError:
    import _xxsubinterpreters as interpreters
    isolated = ()

CODE = "import sys\\nfor name in ('argparse', 'json', 'textwrap'): sys.modules.pop(name, None)\\n"
CODE += "import argparse, json, textwrap"
over = threading.Event()

def work():
    while not over.is_set():
        which = interpreters.create(*isolated)
        for _ in range(3):
            assert not interpreters.run_string(which, CODE)
        interpreters.destroy(which)

threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads:
    thread.start()
for _ in range(10):
    for name in ("textwrap", "json.decoder", "argparse", "enum"):
        rebottle.reload(name, force=sys.argv[1])
over.set()
for thread in threads:
    thread.join()
"""


@pytest.mark.parametrize("force", ["functions", "classes"])
def test_sub_interpreters_run_beside_updates(tmp_path: Path, force: str) -> None:
    assert run_script(tmp_path, BESIDE.replace("sys.argv[1]", repr(force))) == []
