// A CUDA block, warp, cluster and their barriers on one CPU thread, for kernels written with
// gpu_primitives.cuh: every GPU thread is a fiber that runs until it waits.
//
// The warps of a cluster run in turn, in an order that the caller chooses; a kernel whose result
// depends on it lacks a barrier. A barrier that some thread never reaches, and a write beyond
// the shared memory, end the launch with an error.
#pragma once

#include <setjmp.h>
#include <ucontext.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <vector>
#include <algorithm>

#define ADAGEO_EMULATED
#define ADAGEO_DEVICE inline
#define ADAGEO_UNROLL
#define ADAGEO_KERNEL(NAME, THREADS, BLOCKS, TASK, BODY) \
  ADAGEO_CLUSTER_KERNEL(NAME, THREADS, BLOCKS, 1, TASK, BODY)
#define ADAGEO_CLUSTER_KERNEL(NAME, THREADS, BLOCKS, CLUSTER, TASK, BODY)                   \
  extern "C" int NAME(const TASK* given, int x, int y, long long shared, int order) {       \
    const TASK task = *given;                                                               \
    return emulated::launch([&task] { BODY; }, x, y, THREADS, CLUSTER, shared, order);      \
  }

namespace emulated {

constexpr int WARP = 32;
constexpr std::size_t STACK = 1 << 16, GUARD = 256;
enum Status { FINE, DEADLOCK, OUT_OF_BOUNDS };

struct Barrier {
  int size = 0, arrived = 0;
  long generation = 0;
};

struct Exchange {
  Barrier barrier;
  std::uint64_t values[2][WARP];
};

struct Block {
  int x = 0, y = 0;
  std::vector<unsigned char> shared;
  Barrier barrier;
  std::vector<Exchange> warps;
};

struct Fiber {
  jmp_buf state;
  ucontext_t birth;
  std::unique_ptr<unsigned char[]> stack;
  bool born = false, done = false;
  int thread = 0, parity = 0;
  Block* block = nullptr;
  const Barrier* waits = nullptr;
  long generation = 0;
};

inline Fiber* self = nullptr;
inline jmp_buf scheduler;
inline ucontext_t home;
inline std::vector<Block> blocks;
inline Barrier cluster;
inline int grid_x = 0;
inline const std::function<void()>* body = nullptr;

inline void wait(Barrier& barrier) {
  if (++barrier.arrived == barrier.size) {
    barrier.arrived = 0;
    ++barrier.generation;
    return;
  }
  self->waits = &barrier;
  self->generation = barrier.generation;
  if (_setjmp(self->state) == 0) _longjmp(scheduler, 1);
}

inline void begin() {
  (*body)();
  self->done = true;
  _longjmp(scheduler, 1);
}

inline void resume(Fiber& fiber) {
  self = &fiber;
  if (_setjmp(scheduler) != 0) return;
  if (fiber.born) _longjmp(fiber.state, 1);
  fiber.born = true;
  setcontext(&fiber.birth);
}

inline void prepare(Fiber& fiber, Block& block, int thread) {
  if (!fiber.stack) fiber.stack.reset(new unsigned char[STACK]);
  fiber.born = fiber.done = false;
  fiber.thread = thread, fiber.parity = 0;
  fiber.block = &block;
  fiber.waits = nullptr;
  getcontext(&fiber.birth);
  fiber.birth.uc_stack.ss_sp = fiber.stack.get();
  fiber.birth.uc_stack.ss_size = STACK;
  fiber.birth.uc_link = nullptr;
  makecontext(&fiber.birth, begin, 0);
}

// Run the fibers until all are done. Order 0 takes the warps upwards and 1 downwards, each as far
// as its next wait; beyond, a random priority, and always the first warp that can go on: some
// warps and blocks run far ahead of others, as far as the barriers let them.
inline Status run(std::vector<Fiber>& fibers, int order) {
  std::vector<int> warps(fibers.size() / WARP);
  for (std::size_t k = 0; k < warps.size(); ++k) warps[k] = static_cast<int>(k);
  if (order == 1) std::reverse(warps.begin(), warps.end());
  if (order > 1) std::shuffle(warps.begin(), warps.end(), std::mt19937(order));
  const int last = static_cast<int>(blocks.size()) - 1;
  const auto rank = [&](int warp) {
    const int block = static_cast<int>(fibers[warp * WARP].block - blocks.data());
    return order % 4 == 0 ? block : last - block;
  };
  // Every other one of these lets a whole block run ahead, the first or the last.
  if (order > 1 && order % 2 == 0)
    std::stable_sort(warps.begin(), warps.end(), [&](int a, int b) { return rank(a) < rank(b); });
  for (bool moved = true; moved;) {
    moved = false;
    bool left = false;
    for (int warp : warps) {
      bool went = false;
      for (int lane = 0; lane < WARP; ++lane) {
        Fiber& fiber = fibers[warp * WARP + lane];
        left = left || !fiber.done;
        if (fiber.done || (fiber.waits && fiber.waits->generation == fiber.generation)) continue;
        fiber.waits = nullptr;
        resume(fiber);
        went = true;
      }
      moved = moved || went;
      if (went && order > 1) break;
    }
    if (!left) return FINE;
  }
  return DEADLOCK;
}

inline Status launch(const std::function<void()>& kernel, int x, int y, int threads, int size,
                     long long shared, int order) {
  static std::vector<Fiber> fibers;
  if (fibers.size() < static_cast<std::size_t>(threads) * size)
    fibers = std::vector<Fiber>(static_cast<std::size_t>(threads) * size);
  body = &kernel;
  grid_x = x;
  blocks = std::vector<Block>(size);
  for (int row = 0; row < y; ++row) {
    for (int first = 0; first < x; first += size) {
      cluster = Barrier{threads * size};
      std::vector<Fiber>& all = fibers;
      all.resize(static_cast<std::size_t>(threads) * size);
      for (int b = 0; b < size; ++b) {
        Block& block = blocks[b];
        block.x = first + b, block.y = row;
        // NaN in every number: what nobody wrote shows.
        block.shared.assign(shared + GUARD, 0xff);
        block.barrier = Barrier{threads};
        block.warps.assign(threads / WARP, Exchange{Barrier{WARP}, {}});
        for (int t = 0; t < threads; ++t) prepare(all[b * threads + t], block, t);
      }
      const Status status = run(all, order);
      if (status != FINE) return status;
      for (const Block& block : blocks)
        for (std::size_t k = shared; k < block.shared.size(); ++k)
          if (block.shared[k] != 0xff) return OUT_OF_BOUNDS;
    }
  }
  return FINE;
}

template <class F, class Lane>
F exchange(F value, Lane source) {
  Exchange& warp = self->block->warps[self->thread / WARP];
  const int side = self->parity ^= 1, lane = self->thread % WARP;
  std::memcpy(&warp.values[side][lane], &value, sizeof(F));
  wait(warp.barrier);
  std::memcpy(&value, &warp.values[side][source(lane)], sizeof(F));
  return value;
}

}  // namespace emulated

template <class F>
F* shared_memory() { return reinterpret_cast<F*>(emulated::self->block->shared.data()); }

inline int thread_index() { return emulated::self->thread; }
inline int block_index_x() { return emulated::self->block->x; }
inline int block_index_y() { return emulated::self->block->y; }
inline int blocks_x() { return emulated::grid_x; }
inline void block_barrier() { emulated::wait(emulated::self->block->barrier); }
inline void cluster_barrier() { emulated::wait(emulated::cluster); }

template <class F>
F shuffle(F value, int lane) {
  return emulated::exchange(value, [lane](int) { return lane; });
}

template <class F>
F shuffle_xor(F value, int mask) {
  return emulated::exchange(value, [mask](int lane) { return lane ^ mask; });
}

template <class F>
F cluster_read(const F* own, int rank) {
  const auto* start = reinterpret_cast<const F*>(emulated::self->block->shared.data());
  return reinterpret_cast<const F*>(emulated::blocks[rank].shared.data())[own - start];
}
