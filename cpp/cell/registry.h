// Every cell, by the name that Python and the tests know it by. A new cell is its header and its line here (and its
// step in tests/reference.py: without that the suite is red).
#pragma once

#include "elman.h"
#include "gru.h"
#include "lstm.h"

#define FORECAST_CELLS(X) \
  X("rnn_tanh", RnnTanh)  \
  X("rnn_relu", RnnRelu)  \
  X("gru", Gru)           \
  X("lstm", Lstm)
