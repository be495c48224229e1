// Every cell, with its name in Python and in the tests. A new cell needs its header, a line here and its step in
// tests/reference_formulas.py; without the step, the tests fail.
#pragma once

#include "concept.h"
#include "elman.h"
#include "gru.h"
#include "indrnn.h"
#include "lstm.h"
#include "lstm_peephole.h"
#include "mingru.h"
#include "minlstm.h"
#include "slstm.h"

#define FORECAST_CELLS(X)          \
  X("rnn_tanh", RnnTanh)           \
  X("rnn_relu", RnnRelu)           \
  X("gru", Gru)                    \
  X("lstm", Lstm)                  \
  X("lstm_peephole", LstmPeephole) \
  X("indrnn_tanh", IndRnnTanh)     \
  X("indrnn_relu", IndRnnRelu)     \
  X("mingru", MinGru)              \
  X("minlstm", MinLstm)            \
  X("slstm", Slstm)

namespace forecast::FORECAST_ISA {

#define FORECAST_CELL(name, Cell) static_assert(is_cell<Cell>());
FORECAST_CELLS(FORECAST_CELL)
#undef FORECAST_CELL

}  // namespace forecast::FORECAST_ISA
