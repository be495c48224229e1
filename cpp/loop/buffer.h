// Scratch memory of the kernels: aligned to a cache line and not initialised. Large buffers use huge pages if the
// system has them. A tape is read from end to end once per batch; with 4 KiB pages, each page needs a new address
// lookup, and a virtual machine looks up twice.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace forecast {

template <class T>
struct Buffer {
  explicit Buffer(int64_t n) : n_(n) {
    if (n < 0 || n > int64_t(PTRDIFF_MAX / sizeof(T)) - 64) throw std::bad_alloc();
    const size_t bytes = sizeof(T) * size_t(std::max<int64_t>(n, 1));
    const auto align = std::align_val_t(bytes < huge_page ? cache_line : huge_page);
    p_ = {static_cast<T*>(::operator new(bytes, align)), Free{align}};
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    // Whole huge pages only, so no extra memory is used. If the system refuses, only speed is lost.
    if (bytes >= huge_page) static_cast<void>(madvise(p_.get(), bytes / huge_page * huge_page, MADV_HUGEPAGE));
#endif
  }
  T* get() const { return p_.get(); }
  int64_t size() const { return n_; }

 private:
  static constexpr size_t cache_line = 64, huge_page = size_t(2) << 20;
  struct Free {
    std::align_val_t align{cache_line};
    void operator()(T* p) const { ::operator delete(p, align); }
  };
  int64_t n_;
  std::unique_ptr<T, Free> p_;
};

// Memory that is kept from one call to the next: the system would clear a freed tape of tens of MB, page by page,
// before handing it out again. Arrays are identified by the order in which they are requested.
class Scratch {
 public:
  void begin() { next_ = 0; }
  template <class T>
  T* take(int64_t n) {
    if (n > int64_t(PTRDIFF_MAX / sizeof(T))) throw std::bad_alloc();
    const int64_t bytes = n * int64_t(sizeof(T));
    if (next_ == kept_.size()) kept_.emplace_back(bytes);
    else if (kept_[next_].size() < bytes) kept_[next_] = Buffer<char>(0), kept_[next_] = Buffer<char>(bytes);
    return reinterpret_cast<T*>(kept_[next_++].get());
  }

 private:
  std::vector<Buffer<char>> kept_;
  size_t next_ = 0;
};

}  // namespace forecast
