// Scratch memory of the kernels: aligned to a cache line, not initialised.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace forecast {

template <class T>
struct Buffer {
  explicit Buffer(int64_t n) : n_(n) {
    if (n < 0 || n > int64_t(PTRDIFF_MAX / sizeof(T)) - 64) throw std::bad_alloc();
    p_.reset(static_cast<T*>(::operator new(sizeof(T) * size_t(std::max<int64_t>(n, 1)), std::align_val_t(64))));
  }
  T* get() const { return p_.get(); }
  int64_t size() const { return n_; }

 private:
  struct Free {
    void operator()(T* p) const { ::operator delete(p, std::align_val_t(64)); }
  };
  int64_t n_;
  std::unique_ptr<T, Free> p_;
};

}  // namespace forecast
