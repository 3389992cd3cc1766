// Bartlett factors: normals below the diagonal of the transposed factor, chi variables on it.
// Definition: ols_reference.py. The product and its absolute sum are the library's.
#include "gpu_primitives.cuh"
#include "normals_gpu.cuh"

constexpr int BLOCK = 256;

// factors (trials, rows, d), rows d or d + 1. `degrees` is that of the last chi variable.
template <class F>
struct Factors {
  F* factors;
  long long trials, d, rows, degrees;
  double centre;
  unsigned first, k0, k1, part;
};

ADAGEO_DEVICE long long own_index() {
  return static_cast<long long>(block_index_x()) * BLOCK + thread_index();
}

// Where number `place` of the strict lower triangle, row by row, lies in a (d, d) matrix.
ADAGEO_DEVICE long long triangle(long long place, long long d) {
  long long j = static_cast<long long>((1.0 + sqrt(8.0 * static_cast<double>(place) + 1.0)) / 2.0);
  while (j * (j - 1) / 2 > place) --j;
  while ((j + 1) * j / 2 <= place) ++j;
  return j * d + place - j * (j - 1) / 2;
}

// One thread a call of one trial: the numbers of part FACTOR (2) or, in row d, of SHIFT (4).
template <class F>
ADAGEO_DEVICE void normals(const Factors<F>& task) {
  const bool shift = task.part == 4u;
  const long long d = task.d, size = shift ? d : d * (d - 1) / 2;
  const long long all = calls<F>(size), half = (size + 1) / 2, t = own_index();
  if (t >= task.trials * all) return;
  const long long s = t / all, index = t % all;
  const Address at = {task.part, 0u, task.first + static_cast<unsigned>(s), task.k0, task.k1};
  F* const out = task.factors + s * task.rows * d;
  const Words words = philox(static_cast<unsigned>(index), at);
  ADAGEO_UNROLL
  for (int k = 0; k < Call<F>::PAIRS; ++k) {
    const Pair<F> pair = Call<F>::pair(words, k);
    const long long place = index + k * all, other = half + place;
    const F centre = static_cast<F>(task.centre);
    if (place < half) out[shift ? d * d + place : triangle(place, d)] =
        shift ? centre + pair.first() : pair.first();
    if (place < half && other < size) out[shift ? d * d + other : triangle(other, d)] =
        shift ? centre + pair.second() : pair.second();
  }
}

// One thread a chi variable (Marsaglia and Tsang 2000), always in float64.
template <class F>
ADAGEO_DEVICE void chi(const Factors<F>& task) {
  const long long t = own_index(), d = task.d;
  if (t >= task.trials * d) return;
  const long long s = t / d, j = t % d, degrees = task.degrees - d + 1 + j;
  Address at = {3u, 0u, task.first + static_cast<unsigned>(s), task.k0, task.k1};
  const double a = 0.5 * static_cast<double>(degrees) - 1.0 / 3.0;
  double value = 0.0;
  for (bool accepted = false; !accepted; at.row += 2u) {
    const double x = Call<double>::pair(philox(static_cast<unsigned>(j), at), 0).first();
    if (degrees == 1) {
      value = size_of(x);
      break;
    }
    Address next = at;
    next.row += 1u;
    const Words words = philox(static_cast<unsigned>(j), next);
    const double u = 1.0 - uniform(words.w[0], words.w[1]);
    const double base = 1.0 + x / sqrt(9.0 * a), v = base * base * base;
    accepted = v > 0.0 && log(u) < 0.5 * x * x + a * (1.0 - v + log(v));
    value = sqrt(2.0 * a * v);
  }
  task.factors[s * task.rows * d + j * (d + 1)] = static_cast<F>(value);
}
