"""Modules of the standard library as a program's first version."""

from __future__ import annotations

import importlib.util
from pathlib import Path

# Names, with blanks between them.
_NAMES = """
    _collections_abc _py_abc _pydatetime _pydecimal _pyio _strptime _threading_local _weakrefset abc argparse ast base64
    bdb bisect bz2 calendar cmd code codeop codecs colorsys compileall configparser contextlib contextvars copy copyreg
    csv dataclasses decimal difflib dis doctest enum filecmp fileinput fnmatch fractions ftplib functools genericpath
    getopt getpass gettext glob graphlib gzip hashlib heapq hmac http imaplib inspect io ipaddress keyword linecache
    locale lzma mailbox mimetypes modulefinder netrc ntpath nturl2path numbers opcode operator optparse os pdb pickle
    pickletools pkgutil platform plistlib poplib posixpath pprint profile pstats pyclbr pydoc queue quopri random
    reprlib rlcompleter runpy sched secrets selectors shelve shlex shutil smtplib socket socketserver ssl stat
    statistics string stringprep struct subprocess symtable tabnanny tarfile tempfile textwrap timeit token tokenize
    trace traceback tracemalloc types typing uuid warnings wave weakref zipapp zipimport xmlrpc.client urllib.parse
    urllib.request http.client http.cookies http.cookiejar http.server html.parser html.entities unittest.mock
    email._header_value_parser json.scanner logging.config xml.dom.minidom xml.sax.saxutils wsgiref.headers
"""
NAMES = [name for line in _NAMES.splitlines() for name in line.split()]


def library_text(name: str) -> str | None:
    """The source of a module of the standard library."""
    try:
        spec = importlib.util.find_spec(name)
    except ImportError:
        return None
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        return None
    return Path(spec.origin).read_text(encoding="utf-8")
