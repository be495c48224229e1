// Every kind of layer except cells, with its name in Python and in the tests. A new layer needs its header, a line here
// and a class in tests/reference.py; without the class, the tests fail.
#pragma once

#include "attention.h"
#include "concat.h"
#include "cycle.h"
#include "dense.h"
#include "dropout.h"
#include "embedding.h"
#include "feed.h"
#include "lookup.h"
#include "mlstm.h"
#include "norm.h"
#include "recurrent.h"
#include "sum.h"

#define FORECAST_LAYERS(X)                  \
  X("dense", Dense)                         \
  X("dropout", DropoutLayer)                \
  X("concat", Concat)                       \
  X("lookup", Lookup)                       \
  X("embedding", Embedding)                 \
  X("cycle_off", CycleOff)                  \
  X("cycle_on", CycleOn)                    \
  X("mlstm", Mlstm)                         \
  X("sum", Sum)                             \
  X("norm", Norm)                           \
  X("feed", FeedLayer)                      \
  X("attention_dot", AttentionLayer<false>) \
  X("attention_additive", AttentionLayer<true>)
