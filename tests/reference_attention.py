"""The oracle's attention: out_s = sum over t of a_st value_t, a_st = softmax over t of the scores e_st."""

import numpy as np


def attention_weights(layer, widths, output):
    return [("v", (widths[0],))] if layer.kind == "attention_additive" else []


def attention_forward(layer, x, p, run):
    query, key, value = x[0], x[1], x[-1]
    together = query[:, :, None] + key[:, None] if p else None  # (B, S, T, width)
    scores = np.tanh(together) @ p["v"] if p else np.einsum("bsi,bti->bst", query, key)
    e = np.exp(scores - scores.max(axis=2, keepdims=True))
    a = e / e.sum(axis=2, keepdims=True)
    return a @ value, (a, together)


def attention_backward(layer, x, p, run, saved, dout):
    (query, key, value), (a, together) = (x[0], x[1], x[-1]), saved
    da = dout @ value.transpose(0, 2, 1)
    dscores = a * (da - (a * da).sum(axis=2, keepdims=True))
    dvalue = a.transpose(0, 2, 1) @ dout
    if not p:
        return [dscores @ key, dscores.transpose(0, 2, 1) @ query + dvalue], {}
    h = np.tanh(together)
    dtogether = dscores[..., None] * p["v"] * (1.0 - h**2)
    return [dtogether.sum(axis=2), dtogether.sum(axis=1), dvalue], {"v": np.einsum("bst,bsti->i", dscores, h)}
