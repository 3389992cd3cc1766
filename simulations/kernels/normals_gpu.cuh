// The counter-based normals of normals_reference.py: the same words, the same numbers to rounding.
//
// Every thread makes its own numbers from their addresses, and nothing is shared: no barriers, no
// order. The type F of a template is that of the normals, float or double.

struct Address {
  unsigned part, row, trial, k0, k1;
};

struct Words {
  unsigned w[4];
};

// Philox4x32-10.
ADAGEO_DEVICE Words philox(unsigned index, const Address& at) {
  unsigned c0 = index, c1 = at.part, c2 = at.row, c3 = at.trial, k0 = at.k0, k1 = at.k1;
  ADAGEO_UNROLL
  for (int round = 0; round < 10; ++round) {
    const unsigned long long p0 = 0xD2511F53ull * c0, p1 = 0xCD9E8D57ull * c2;
    c0 = static_cast<unsigned>(p1 >> 32) ^ c1 ^ k0;
    c2 = static_cast<unsigned>(p0 >> 32) ^ c3 ^ k1;
    c1 = static_cast<unsigned>(p1);
    c3 = static_cast<unsigned>(p0);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {{c0, c1, c2, c3}};
}

// Multiple of 2^-53 in [0, 1).
ADAGEO_DEVICE double uniform(unsigned high, unsigned low) {
  const long long grid = (static_cast<long long>(high >> 5) << 26) | (low >> 6);
  return static_cast<double>(grid) * 0x1p-53;
}

// Midpoint of a cell of width 2^-23 in (0, 1).
ADAGEO_DEVICE float midpoint(unsigned word) {
  return (static_cast<float>(static_cast<int>(word >> 9)) + 0.5f) * 0x1p-23f;
}

ADAGEO_DEVICE double log_of(double x) { return log(x); }
ADAGEO_DEVICE float log_of(float x) { return logf(x); }
ADAGEO_DEVICE double root_of(double x) { return sqrt(x); }
ADAGEO_DEVICE float root_of(float x) { return sqrtf(x); }
ADAGEO_DEVICE double cosine_of(double x) { return cos(x); }
ADAGEO_DEVICE float cosine_of(float x) { return cosf(x); }
ADAGEO_DEVICE double sine_of(double x) { return sin(x); }
ADAGEO_DEVICE float sine_of(float x) { return sinf(x); }
ADAGEO_DEVICE double size_of(double x) { return fabs(x); }
ADAGEO_DEVICE float size_of(float x) { return fabsf(x); }

// A pair in polar form: root sqrt(-ln u), angle in [-pi/4, pi/4), two bits for the signs.
template <class F>
struct Pair {
  F root, angle;
  unsigned signs;

  ADAGEO_DEVICE F both() const { return F(2) * root * cosine_of(angle); }
  ADAGEO_DEVICE F first() const {
    const F value = root * (cosine_of(angle) - sine_of(angle));
    return signs & 1u ? -value : value;
  }
  ADAGEO_DEVICE F second() const {
    const F value = root * (cosine_of(angle) + sine_of(angle));
    return signs & 2u ? -value : value;
  }
};

constexpr double QUARTER = 1.5707963267948966;  // of a full turn

// What a type of normals takes from a call: PAIRS pairs.
template <class F>
struct Call;

template <>
struct Call<double> {
  static constexpr int PAIRS = 1;
  ADAGEO_DEVICE static Pair<double> pair(const Words& words, int) {
    const unsigned* w = words.w;
    const double root = root_of(-log_of(1.0 - uniform(w[0], w[1])));
    return {root, (uniform(w[2], w[3]) - 0.5) * QUARTER, w[3]};
  }
};

template <>
struct Call<float> {
  static constexpr int PAIRS = 2;
  ADAGEO_DEVICE static Pair<float> pair(const Words& words, int k) {
    const unsigned u = words.w[2 * k], v = words.w[2 * k + 1];
    const float angle = (midpoint(v) - 0.5f) * static_cast<float>(QUARTER);
    return {root_of(-log_of(midpoint(u))), angle, v};
  }
};

// Calls that a vector of `size` normals takes.
template <class F>
ADAGEO_DEVICE long long calls(long long size) {
  return ((size + 1) / 2 + Call<F>::PAIRS - 1) / Call<F>::PAIRS;
}
