def network_settings(*a, **k): raise NotImplementedError
