"""One object in several threads: predictions have the same bits, a second training is refused; and interpreters."""

import threading

import children
import numpy as np
import pytest
from small_networks import table

from forecast import RNNForecaster
from forecast._alone import _CLAIMS, Alone


def bits_of(model):
    return model._network.theta.tobytes()


def small(**arguments):
    return RNNForecaster(hidden_size=4, max_iter=2, random_state=0, **arguments)


def test_eight_threads_that_predict_on_one_object_get_the_same_bits():
    X, y = table()
    model = small().fit(X, y)
    expected, found = model.predict(X).tobytes(), []

    def work():
        for _ in range(25):
            found.append(model.predict(X).tobytes())

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 200
    assert set(found) == {expected}


class Held:
    """A fit in another thread that waits in its first epoch until it is let go."""

    def __init__(self, model, X, y):
        self.inside, self.go, self.outcome = threading.Event(), threading.Event(), []
        model.set_params(callbacks=self.wait)
        self.thread = threading.Thread(target=self.fit, args=(model, X, y))
        self.thread.start()
        assert self.inside.wait(60)

    def wait(self, _):
        self.inside.set()
        assert self.go.wait(60)

    def fit(self, model, X, y):
        self.outcome.append(model.fit(X, y))

    def end(self):
        self.go.set()
        self.thread.join()


@pytest.mark.parametrize("verb", ["fit", "partial_fit"])
def test_a_training_beside_another_one_of_the_same_object_is_refused_and_changes_nothing(verb):
    X, y = table()
    expected = bits_of(small().fit(X, y))
    model = small()
    held = Held(model, X, y)
    with pytest.raises(RuntimeError, match=rf"RNNForecaster.{verb}: another thread is inside fit of the same object"):
        getattr(model, verb)(X, y)
    held.end()
    assert held.outcome == [model]
    assert bits_of(model) == expected
    assert bits_of(model.set_params(callbacks=None).fit(X, y)) == expected, "the object is free again"


def test_a_failing_fit_leaves_what_another_thread_has_finished():
    X, y = table()
    model = small()
    held = Held(model, X, y)
    with pytest.raises(RuntimeError, match="another thread is inside fit"):
        model.fit(X[:, :1], y)
    held.end()
    assert model.n_features_in_ == X.shape[1]
    assert np.isfinite(model.predict(X)).all()


def test_a_training_that_fails_sets_its_object_free():
    X, y = table()
    model = small()
    with pytest.raises(ValueError, match="NaN"):
        model.fit(X * np.nan, y)
    assert _CLAIMS == {}
    model.fit(X, y)


def test_a_claim_of_a_thread_that_has_ended_is_void():
    model = small()
    ended = threading.Thread(target=Alone(model, "fit").__enter__)
    ended.start()
    ended.join()
    _CLAIMS[id(model)].thread = ended.ident
    with Alone(model, "fit"):
        assert len(_CLAIMS) == 1
    assert _CLAIMS == {}


def test_the_same_thread_may_train_inside_of_its_own_call():
    model = object()
    with Alone(model, "update"):
        with Alone(model, "fit"):
            assert len(_CLAIMS) == 1
        assert len(_CLAIMS) == 1, "the outer call still holds it"
    assert _CLAIMS == {}


FORKED = """
import json, os
from forecast._alone import _CLAIMS, Alone
read, write = os.pipe()
with Alone(object(), "fit"):
    if os.fork() == 0:
        os.write(write, b"%d" % len(_CLAIMS))
        os._exit(0)
    os.wait()
print(json.dumps(int(os.read(read, 1))))
"""


def test_a_forked_child_begins_without_claims():
    assert children.run(FORKED) == 0


SUB_INTERPRETERS = """
import faulthandler, json, sys
faulthandler.dump_traceback_later(90, exit=True)
before = sys.argv[2] == "main first"
if before:
    import forecast
try:
    import _xxsubinterpreters as interpreters
except ImportError:  # Python 3.13 on
    import _interpreters as interpreters
script = '''
import os, sys
sys.path[:0] = %r
try:
    import forecast
    said = b"imported"
except ImportError as error:
    said = b"refused" if "sub-interpreter" in str(error) else str(error).encode()
os.write(%d, said + b";")
'''
import os
read, write = os.pipe()
for _ in range(int(sys.argv[1])):
    one = interpreters.create()
    interpreters.run_string(one, script % (sys.path, write))
    interpreters.destroy(one)
import forecast
print(json.dumps(os.read(read, 4096).decode().split(";")[:-1]))
"""


@pytest.mark.parametrize("order", ["main first", "main last"])
def test_a_sub_interpreter_refuses_the_import_in_words(order):
    assert children.run(SUB_INTERPRETERS, arguments=(20, order)) == ["refused"] * 20
