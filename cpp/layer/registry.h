// Every kind of layer other than cells, by the name that Python and the tests know it by. A new one is its header and
// its line here (and its class in tests/reference.py: without that the suite is red).
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
