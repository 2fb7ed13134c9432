"""How much work is done: what a transformer is given."""


def count_rows(monkeypatch, kind):
    """Let `kind` note how many rows each ``transform`` is given; returns the list."""
    seen, transform = [], kind.transform

    def counted(self, X):
        seen.append(len(X))
        return transform(self, X)

    monkeypatch.setattr(kind, "transform", counted)
    return seen
