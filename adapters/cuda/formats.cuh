// The four formats of scores, and the arithmetic of a thread. No header is needed: this text is
// compiled as it stands by NVRTC for a GPU and, behind host.h, by g++ for the processor.
//
// FORMAT (float16, bfloat16, float32, float64) and LABEL (int, long long) are given as options.

typedef long long Count;                  // every index and every count: N * C may pass 2^31
typedef unsigned long long Tally;         // what integer atomics of 64 bits take

template <class To, class From> __device__ inline To bits_as(From from) {
    static_assert(sizeof(To) == sizeof(From), "both have the same width");
    To to;
    memcpy(&to, &from, sizeof to);
    return to;
}

// A 16-bit format with FRACTION stored bits of the significand and an exponent bias.
template <int FRACTION, int BIAS> struct Half {
    typedef unsigned short Stored;
    typedef float Wide;                   // what scores are computed with

    static const int TOP = 1 << (15 - FRACTION);
    static const unsigned INFINITE = (TOP - 1u) << FRACTION;

    static __device__ float load(unsigned short stored) {
        const int exponent = (stored >> FRACTION) & (TOP - 1);
        const unsigned fraction = stored & ((1u << FRACTION) - 1), sign = (stored & 0x8000u) << 16;
        if (exponent == 0) {              // subnormal, or zero
            const float whole = static_cast<float>(fraction) * bits_as<float>((127u - FRACTION) << 23);
            const float size = whole * bits_as<float>((128u - BIAS) << 23);
            return sign ? -size : size;
        }
        const unsigned wide = exponent == TOP - 1 ? 255u : exponent - BIAS + 127u;
        return bits_as<float>(sign | wide << 23 | fraction << (23 - FRACTION));
    }

    // Rounds once, to nearest and to even between two; what is too large becomes infinite.
    static __device__ unsigned short store(double value) {
        const unsigned long long bits = bits_as<unsigned long long>(value);
        const unsigned sign = static_cast<unsigned>(bits >> 48) & 0x8000u;
        const int exponent = static_cast<int>(bits >> 52) & 0x7ff;
        const unsigned long long fraction = bits & 0xfffffffffffffull;
        const unsigned quiet = fraction ? 1u << (FRACTION - 1) : 0u;
        if (exponent == 0x7ff) return static_cast<unsigned short>(sign | INFINITE | quiet);
        int biased = exponent - 1023 + BIAS, shift = 52 - FRACTION;
        if (biased >= TOP - 1) return static_cast<unsigned short>(sign | INFINITE);
        if (biased < 1) {                 // subnormal: further bits go
            shift = shift + 1 - biased < 60 ? shift + 1 - biased : 60;
            biased = 1;
        }
        const unsigned long long whole = exponent ? fraction | 1ull << 52 : fraction;
        const unsigned long long rest = whole & ((1ull << shift) - 1), middle = 1ull << (shift - 1);
        unsigned kept = static_cast<unsigned>(whole >> shift);
        kept += rest > middle || (rest == middle && (kept & 1));
        return static_cast<unsigned short>(sign | (((biased - 1u) << FRACTION) + kept));
    }
};

template <class Float> struct Plain {
    typedef Float Stored;
    typedef Float Wide;
    static __device__ Float load(Float stored) { return stored; }
    static __device__ Float store(double value) { return static_cast<Float>(value); }
};

typedef Half<10, 15> float16;
typedef Half<7, 127> bfloat16;
typedef Plain<float> float32;
typedef Plain<double> float64;

typedef FORMAT::Stored Stored;
typedef FORMAT::Wide Wide;
typedef LABEL Label;

__device__ inline float largest(float) { return bits_as<float>(0x7f7fffffu); }
__device__ inline double largest(double) { return bits_as<double>(0x7fefffffffffffffull); }
// The smallest value of the type that is not below; `near` is the nearest one.
__device__ inline float round_up(double value, float near) {
    if (static_cast<double>(near) >= value || near != near) return near;
    return bits_as<float>(near > 0 ? bits_as<unsigned>(near) + 1 : bits_as<unsigned>(near) - 1);
}
__device__ inline double round_up(double value, double) { return value; }

__device__ inline double infinity() { return bits_as<double>(0x7ff0000000000000ull); }
__device__ inline double not_a_number() { return bits_as<double>(0x7ff8000000000000ull); }
__device__ inline float exponential(float x) { return expf(x); }
__device__ inline double exponential(double x) { return exp(x); }
__device__ inline float log_of_one_plus(float x) { return log1pf(x); }
__device__ inline double log_of_one_plus(double x) { return log1p(x); }

// One launch: every kernel takes this and nothing else. adapters/cupy_port.py fills it.
struct Task {
    const Stored* scores;                 // (rows, classes), in C order like all of them
    const void* target;                   // class indices (Label), or labels (Stored)
    const Stored* weight;                 // (classes), or null
    const Stored* cotangent;              // (rows) where losses stay apart, else one
    Stored* result;                       // losses, the reduced loss, or the gradient
    double* partial;                      // a ticket of 64 bits, then one sum for each block
    unsigned char* scratch;               // `stretch` bytes for each block
    Count stretch;
    Count rows, classes;
    Count first;                          // row to begin with: 0, but in tests of large indices
    Count direct;                         // rows with at most so many labels take the direct form
    Count keys;                           // so many scores of labels are sorted in shared memory; a power of two
    Count shared_classes;                 // up to so many classes are counted in shared memory
    int reduction;                        // 0 none, 1 sum, 2 mean
    int narrow;                           // one thread for each row
};

static_assert(sizeof(Task) == 120, "as adapters/cupy_port.py lays it out");

__device__ inline double divisor(const Task& task) {
    return static_cast<double>(task.classes) * (task.reduction == 2 ? static_cast<double>(task.rows) : 1.0);
}

__device__ inline double upstream(const Task& task, Count row) {
    return FORMAT::load(task.cotangent[task.reduction == 0 ? row : 0]);
}
