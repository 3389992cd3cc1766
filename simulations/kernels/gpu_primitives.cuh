// What the kernels ask of a GPU: lanes, barriers, clusters, dynamic shared memory.
//
// An emulator that compiles the same sources for a CPU defines ADAGEO_EMULATED and these
// functions before this file is read.
#ifndef ADAGEO_EMULATED

#define ADAGEO_DEVICE __device__ __forceinline__
#define ADAGEO_UNROLL _Pragma("unroll")
// One kernel: its name, threads of a block, blocks of a multiprocessor (at least), type of its
// argument and what it does with it.
#define ADAGEO_KERNEL(NAME, THREADS, BLOCKS, TASK, BODY) \
  extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) NAME(const TASK task) { BODY; }
#define ADAGEO_CLUSTER_KERNEL(NAME, THREADS, BLOCKS, CLUSTER, TASK, BODY) \
  extern "C" __global__ void __cluster_dims__(CLUSTER, 1, 1)              \
      __launch_bounds__(THREADS, BLOCKS) NAME(const TASK task) { BODY; }

extern __shared__ double adageo_shared[];

template <class F>
ADAGEO_DEVICE F* shared_memory() { return reinterpret_cast<F*>(adageo_shared); }

ADAGEO_DEVICE int thread_index() { return static_cast<int>(threadIdx.x); }
ADAGEO_DEVICE int block_index_x() { return static_cast<int>(blockIdx.x); }
ADAGEO_DEVICE int block_index_y() { return static_cast<int>(blockIdx.y); }
ADAGEO_DEVICE int blocks_x() { return static_cast<int>(gridDim.x); }
ADAGEO_DEVICE void block_barrier() { __syncthreads(); }

template <class F>
ADAGEO_DEVICE F shuffle(F value, int lane) { return __shfl_sync(0xffffffffu, value, lane); }

template <class F>
ADAGEO_DEVICE F shuffle_xor(F value, int mask) {
  return __shfl_xor_sync(0xffffffffu, value, mask);
}

// Clusters need compute capability 9.0. Release before, acquire after: what a block wrote to its
// shared memory is seen by the others.
ADAGEO_DEVICE void cluster_barrier() {
  asm volatile("barrier.cluster.arrive.release.aligned;\n\tbarrier.cluster.wait.acquire.aligned;"
               ::: "memory");
}

ADAGEO_DEVICE unsigned remote_address(const void* own, int rank) {
  unsigned there;
  const unsigned here = static_cast<unsigned>(__cvta_generic_to_shared(own));
  asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there) : "r"(here), "r"(rank));
  return there;
}

// The value that block `rank` of the cluster keeps where this block keeps *own.
ADAGEO_DEVICE float cluster_read(const float* own, int rank) {
  float value;
  asm volatile("ld.shared::cluster.f32 %0, [%1];"
               : "=f"(value) : "r"(remote_address(own, rank)) : "memory");
  return value;
}

ADAGEO_DEVICE double cluster_read(const double* own, int rank) {
  double value;
  asm volatile("ld.shared::cluster.f64 %0, [%1];"
               : "=d"(value) : "r"(remote_address(own, rank)) : "memory");
  return value;
}

#endif

// Sum over the 32 lanes of a warp, the same bits in each of them.
template <class F>
ADAGEO_DEVICE F warp_sum(F value) {
  ADAGEO_UNROLL
  for (int mask = 16; mask > 0; mask /= 2) value += shuffle_xor(value, mask);
  return value;
}

// Sums over the lanes of COUNT values each (a power of two up to 32): lane l gets the sum of
// value l / (32 / COUNT). COUNT - 1 + log2(32 / COUNT) shuffles instead of 5 COUNT.
template <int COUNT, int MASK, class F>
ADAGEO_DEVICE F transposed_sum(F* values, int lane) {
  if constexpr (COUNT > 1) {
    constexpr int half = COUNT / 2;
    const bool upper = (lane & MASK) != 0;
    ADAGEO_UNROLL
    for (int i = 0; i < half; ++i) {
      const F sent = upper ? values[i] : values[i + half];
      const F kept = upper ? values[i + half] : values[i];
      values[i] = kept + shuffle_xor(sent, MASK);
    }
    return transposed_sum<half, MASK / 2>(values, lane);
  } else if constexpr (MASK > 0) {
    values[0] += shuffle_xor(values[0], MASK);
    return transposed_sum<1, MASK / 2>(values, lane);
  } else {
    return values[0];
  }
}
