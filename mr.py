X = 2
def f(): return 2


class C:
    def g(self): return 2
