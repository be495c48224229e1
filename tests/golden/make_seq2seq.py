"""Writes the golden files of encoder and decoder: what PyTorch answers for the same weights.

    pip install torch==2.13.0 && python tests/golden/make_seq2seq.py

The decoder is written out step by step: it reads its known future and its own output, or the true target ("taught"),
and looks at the encoder's states by dot attention. Conventions are those of make_layers.py.
"""

import numpy as np
import torch
from make_layers import RNN, drawn, linear, make, recurrent
from torch import nn


class EncoderDecoder(nn.Module):
    def __init__(self, cell, inputs=2, future=2, hidden=6):
        super().__init__()
        self.encoder = RNN[cell](inputs, hidden, batch_first=True)
        self.decoder = RNN[cell](future + 1, hidden, batch_first=True)
        self.head = nn.Linear(2 * hidden, 1)

    def forward(self, past, future, truth=None):
        memory, state = self.encoder(past)
        fed, outputs = past[:, -1, :1], []
        for step in range(future.shape[1]):
            h, state = self.decoder(torch.cat([future[:, step], fed], dim=1)[:, None], state)
            weights = torch.softmax((memory @ h.transpose(1, 2)).squeeze(2), dim=1)
            context = (weights[:, :, None] * memory).sum(dim=1)
            outputs.append(self.head(torch.cat([h[:, 0], context], dim=1)))
            fed = outputs[-1] if truth is None else truth[:, step, None]
        return torch.cat(outputs, dim=1)

    def named(self):
        yield from recurrent(self.encoder, 0, "0")
        yield from recurrent(self.decoder, 0, "decoder.0")
        yield from linear(self.head, "head")


def make_decoder(cell, taught):
    rng, windows = np.random.default_rng(15), 40
    past, future = drawn(rng, windows, 8, 2), drawn(rng, windows, 5, 2)
    target = (past[:, -1, :1] + torch.cumsum(future.sum(dim=2), dim=1) / 3).float().double()
    inputs = {"past": past, "future": future} | ({"truth": target} if taught else {})
    make(f"{'taught' if taught else 'free'}_{cell}", EncoderDecoder(cell).double(), windows, inputs, target)


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(8)
    make_decoder("lstm", taught=False)
    make_decoder("gru", taught=True)
