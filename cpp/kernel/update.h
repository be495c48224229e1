// The optimisers' steps on flat vectors: theta, its gradient g and the state (first, second), all of n elements.
//
//   sgd      first = momentum first + g;                       theta -= rate first
//   adam     first = b1 first + (1 - b1) g, second = b2 second + (1 - b2) g^2;
//            theta -= rate / (1 - b1^t) first / (sqrt(second / (1 - b2^t)) + epsilon)          (Kingma and Ba 2015)
//   adamw    theta *= 1 - rate weight_decay, then as adam                                    (Loshchilov and Hutter 2019)
//   rmsprop  second = 0.99 second + 0.01 g^2, first = momentum first + g / (sqrt(second) + epsilon);
//            theta -= rate first                                                                (Hinton 2012)
//
//   average  average = decay average + (1 - decay) theta, after the step
//
// Except for adamw, g already contains weight_decay theta. The gradient is clipped by value, then scaled (clipping by
// norm).
#pragma once

#include "gather.h"

namespace forecast::FORECAST_ISA {

template <class T>
inline void add(T* into, const T* x, int64_t n) {
  for (int64_t i = 0; i < n; i += width<T>) {
    const int left = n - i < width<T> ? int(n - i) : width<T>;
    store_first(into + i, load_first(into + i, left) + load_first(x + i, left), left);
  }
}

template <class V>
struct Moments {
  V theta, first, second;
};

template <class V, class T>
struct StepVectors {
  V rate, momentum, beta_1, beta_2, rest_1, rest_2, epsilon, weight_decay, scale, bound, adam_rate, root_correction;
  bool clip, coupled;

  explicit StepVectors(const Step& s) {
    rate = splat<V>(T(s.rate)), momentum = splat<V>(T(s.momentum));
    beta_1 = splat<V>(T(s.beta_1)), beta_2 = splat<V>(T(s.beta_2));
    rest_1 = splat<V>(T(1 - s.beta_1)), rest_2 = splat<V>(T(1 - s.beta_2));
    epsilon = splat<V>(T(s.epsilon)), weight_decay = splat<V>(T(s.weight_decay));
    scale = splat<V>(T(s.scale)), bound = splat<V>(T(s.clip_value));
    adam_rate = splat<V>(T(s.rate / s.correction_1));
    root_correction = splat<V>(T(__builtin_sqrt(s.correction_2)));
    clip = s.clip_value > 0, coupled = s.weight_decay != 0 && s.rule != Rule::adamw;
  }

  INLINE V prepared(V g, V theta) const {
    if (clip) g = at_least(at_most(g, bound), -bound);
    g = g * scale;
    return coupled ? g + weight_decay * theta : g;
  }
};

template <class V, class T>
INLINE Moments<V> stepped(Rule rule, const StepVectors<V, T>& s, Moments<V> m, V g) {
  switch (rule) {
    case Rule::sgd:
      m.first = s.momentum * m.first + g;
      m.theta = m.theta - s.rate * m.first;
      break;
    case Rule::adamw:
      m.theta = m.theta - s.rate * s.weight_decay * m.theta;
      [[fallthrough]];
    case Rule::adam:
      m.first = s.beta_1 * m.first + s.rest_1 * g;
      m.second = s.beta_2 * m.second + s.rest_2 * (g * g);
      m.theta = m.theta - s.adam_rate * (m.first / (square_root(m.second) / s.root_correction + s.epsilon));
      break;
    case Rule::rmsprop:
      m.second = s.beta_2 * m.second + s.rest_2 * (g * g);
      m.first = s.momentum * m.first + g / (square_root(m.second) + s.epsilon);
      m.theta = m.theta - s.rate * m.first;
      break;
  }
  return m;
}

template <class T>
inline void update(const Step& step, T* theta, const T* gradient, T* first, T* second, int64_t n) {
  const StepVectors<Vec<T>, T> s(step);
  for (int64_t i = 0; i < n; i += width<T>) {
    const int left = n - i < width<T> ? int(n - i) : width<T>;
    Moments<Vec<T>> m{load_first(theta + i, left), load_first(first + i, left), load_first(second + i, left)};
    m = stepped(step.rule, s, m, s.prepared(load_first(gradient + i, left), m.theta));
    store_first(theta + i, m.theta, left);
    store_first(first + i, m.first, left);
    store_first(second + i, m.second, left);
  }
}

template <class T>
inline void average(T* average, const T* theta, double decay, int64_t n) {
  const Vec<T> kept = splat<Vec<T>>(T(decay)), rest = splat<Vec<T>>(T(1 - decay));
  for (int64_t i = 0; i < n; i += width<T>) {
    const int left = n - i < width<T> ? int(n - i) : width<T>;
    store_first(average + i, kept * load_first(average + i, left) + rest * load_first(theta + i, left), left);
  }
}

}  // namespace forecast::FORECAST_ISA
