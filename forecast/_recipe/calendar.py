def calendar_of(*a, **k): raise NotImplementedError
