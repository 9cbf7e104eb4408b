/* Launching: arguments as tagged values, checked against the kernel's signature.
 *
 *   tg_launch(gemm, TG_ARGS(a, b, c, 1.0f));
 *
 * TG_ARGS tags up to 32 arguments by their C type: tensors, integers, floats, bool, pointers. A
 * null pointer stands for an optional tensor that is absent. Scalars with a default may be left
 * out at the end. */
#ifndef TEGULA_LAUNCH_H
#define TEGULA_LAUNCH_H

#include "tegula/module.h"
#include "tegula/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tg_argument_kind {
    TG_ARGUMENT_NONE = 0, /**< absent tensor, or the scalar's default */
    TG_ARGUMENT_TENSOR = 1,
    TG_ARGUMENT_INT = 2,
    TG_ARGUMENT_UINT = 3,
    TG_ARGUMENT_FLOAT = 4,
    TG_ARGUMENT_BOOL = 5,
    TG_ARGUMENT_POINTER = 6
} tg_argument_kind;

/** One launch argument. Make it with the functions below or TG_ARGS. */
typedef struct tg_argument {
    tg_argument_kind kind;
    union {
        const tg_tensor
            *tensor; /**< borrowed for the call; `out` tensors are written through it */
        int64_t i;
        uint64_t u;
        double f;
        void *pointer;
    } u;
} tg_argument;

static inline tg_argument tg_argument_none(void) {
    tg_argument v;
    v.kind = TG_ARGUMENT_NONE;
    v.u.i = 0;
    return v;
}
static inline tg_argument tg_argument_tensor(const tg_tensor *tensor) {
    tg_argument v;
    v.kind = tensor ? TG_ARGUMENT_TENSOR : TG_ARGUMENT_NONE;
    v.u.tensor = tensor;
    return v;
}
static inline tg_argument tg_argument_int(int64_t i) {
    tg_argument v;
    v.kind = TG_ARGUMENT_INT;
    v.u.i = i;
    return v;
}
static inline tg_argument tg_argument_uint(uint64_t u) {
    tg_argument v;
    v.kind = TG_ARGUMENT_UINT;
    v.u.u = u;
    return v;
}
static inline tg_argument tg_argument_float(double f) {
    tg_argument v;
    v.kind = TG_ARGUMENT_FLOAT;
    v.u.f = f;
    return v;
}
static inline tg_argument tg_argument_bool(int b) {
    tg_argument v;
    v.kind = TG_ARGUMENT_BOOL;
    v.u.i = b != 0;
    return v;
}
static inline tg_argument tg_argument_pointer(const void *pointer) {
    tg_argument v;
    v.kind = TG_ARGUMENT_POINTER;
    v.u.u = (uint64_t)(uintptr_t)pointer;
    return v;
}

/** Runs a kernel and waits for it.
 *
 * Compiles first if no variant for these types, `const` values and present tensors exists (in
 * memory or on disk); other threads that launch the same wait for that one compile.
 *
 * @param values  one per parameter, in order; missing ones at the end are TG_ARGUMENT_NONE
 * @return INVALID_ARGUMENT (number, kind, dtype or rank of arguments), LAUNCH (a check L09xx
 *         failed: text in tg_last_error), COMPILE, UNSUPPORTED (not on this machine),
 *         OUT_OF_MEMORY. After LAUNCH from an `assert`, outputs may be partly written; after
 *         the other errors nothing was.
 *
 * Any thread, any number at once. Cost of a prepared launch: below a microsecond, plus the
 * kernel. */
TG_API tg_status tg_launch(tg_kernel *kernel, const tg_argument *values, uint32_t n_values);

#ifdef __cplusplus
}

namespace tegula {
inline tg_argument to_argument(const tg_tensor *t) {
    return tg_argument_tensor(t);
}
inline tg_argument to_argument(tg_tensor *t) {
    return tg_argument_tensor(t);
}
inline tg_argument to_argument(decltype(nullptr)) {
    return tg_argument_none();
}
inline tg_argument to_argument(const void *p) {
    return tg_argument_pointer(p);
}
inline tg_argument to_argument(bool b) {
    return tg_argument_bool(b);
}
inline tg_argument to_argument(int i) {
    return tg_argument_int(i);
}
inline tg_argument to_argument(long i) {
    return tg_argument_int(i);
}
inline tg_argument to_argument(long long i) {
    return tg_argument_int(i);
}
inline tg_argument to_argument(unsigned u) {
    return tg_argument_uint(u);
}
inline tg_argument to_argument(unsigned long u) {
    return tg_argument_uint(u);
}
inline tg_argument to_argument(unsigned long long u) {
    return tg_argument_uint(u);
}
inline tg_argument to_argument(float f) {
    return tg_argument_float(f);
}
inline tg_argument to_argument(double f) {
    return tg_argument_float(f);
}

template <uint32_t N> struct argument_list {
    tg_argument values[N ? N : 1];
    static constexpr uint32_t size = N;
};
template <class... A> inline argument_list<sizeof...(A)> to_arguments(A... a) {
    return {{to_argument(a)...}};
}
} // namespace tegula
#define TG_ARGS(...)                                                                           \
    ::tegula::to_arguments(__VA_ARGS__).values,                                                \
        decltype(::tegula::to_arguments(__VA_ARGS__))::size

#else

/** A tagged value of any argument type. */
#define TG_ARGUMENT(x)                                                                         \
    _Generic((x),                                                                      \
        tg_tensor *: tg_argument_tensor, const tg_tensor *: tg_argument_tensor,        \
        void *: tg_argument_pointer, const void *: tg_argument_pointer,                \
        _Bool: tg_argument_bool, char: tg_argument_int, signed char: tg_argument_int,  \
        short: tg_argument_int, int: tg_argument_int, long: tg_argument_int,           \
        long long: tg_argument_int, unsigned char: tg_argument_uint,                   \
        unsigned short: tg_argument_uint, unsigned: tg_argument_uint,                  \
        unsigned long: tg_argument_uint, unsigned long long: tg_argument_uint,         \
        float: tg_argument_float, double: tg_argument_float)(x)

/* TG_ARGS(x, …): `values, n_values` of tg_launch. */
#define TG_PICK_(a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17,   \
                 a18, a19, a20, a21, a22, a23, a24, a25, a26, a27, a28, a29, a30, a31, a32, n, \
                 ...)                                                                          \
    n
#define TG_COUNT_(...)                                                                         \
    TG_PICK_(__VA_ARGS__, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16,  \
             15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define TG_JOIN_(a, b)     a##b
#define TG_EACH_(n, ...)   TG_JOIN_(TG_EACH_, n)(__VA_ARGS__)
#define TG_EACH_1(x)       TG_ARGUMENT(x)
#define TG_EACH_2(x, ...)  TG_ARGUMENT(x), TG_EACH_1(__VA_ARGS__)
#define TG_EACH_3(x, ...)  TG_ARGUMENT(x), TG_EACH_2(__VA_ARGS__)
#define TG_EACH_4(x, ...)  TG_ARGUMENT(x), TG_EACH_3(__VA_ARGS__)
#define TG_EACH_5(x, ...)  TG_ARGUMENT(x), TG_EACH_4(__VA_ARGS__)
#define TG_EACH_6(x, ...)  TG_ARGUMENT(x), TG_EACH_5(__VA_ARGS__)
#define TG_EACH_7(x, ...)  TG_ARGUMENT(x), TG_EACH_6(__VA_ARGS__)
#define TG_EACH_8(x, ...)  TG_ARGUMENT(x), TG_EACH_7(__VA_ARGS__)
#define TG_EACH_9(x, ...)  TG_ARGUMENT(x), TG_EACH_8(__VA_ARGS__)
#define TG_EACH_10(x, ...) TG_ARGUMENT(x), TG_EACH_9(__VA_ARGS__)
#define TG_EACH_11(x, ...) TG_ARGUMENT(x), TG_EACH_10(__VA_ARGS__)
#define TG_EACH_12(x, ...) TG_ARGUMENT(x), TG_EACH_11(__VA_ARGS__)
#define TG_EACH_13(x, ...) TG_ARGUMENT(x), TG_EACH_12(__VA_ARGS__)
#define TG_EACH_14(x, ...) TG_ARGUMENT(x), TG_EACH_13(__VA_ARGS__)
#define TG_EACH_15(x, ...) TG_ARGUMENT(x), TG_EACH_14(__VA_ARGS__)
#define TG_EACH_16(x, ...) TG_ARGUMENT(x), TG_EACH_15(__VA_ARGS__)
#define TG_EACH_17(x, ...) TG_ARGUMENT(x), TG_EACH_16(__VA_ARGS__)
#define TG_EACH_18(x, ...) TG_ARGUMENT(x), TG_EACH_17(__VA_ARGS__)
#define TG_EACH_19(x, ...) TG_ARGUMENT(x), TG_EACH_18(__VA_ARGS__)
#define TG_EACH_20(x, ...) TG_ARGUMENT(x), TG_EACH_19(__VA_ARGS__)
#define TG_EACH_21(x, ...) TG_ARGUMENT(x), TG_EACH_20(__VA_ARGS__)
#define TG_EACH_22(x, ...) TG_ARGUMENT(x), TG_EACH_21(__VA_ARGS__)
#define TG_EACH_23(x, ...) TG_ARGUMENT(x), TG_EACH_22(__VA_ARGS__)
#define TG_EACH_24(x, ...) TG_ARGUMENT(x), TG_EACH_23(__VA_ARGS__)
#define TG_EACH_25(x, ...) TG_ARGUMENT(x), TG_EACH_24(__VA_ARGS__)
#define TG_EACH_26(x, ...) TG_ARGUMENT(x), TG_EACH_25(__VA_ARGS__)
#define TG_EACH_27(x, ...) TG_ARGUMENT(x), TG_EACH_26(__VA_ARGS__)
#define TG_EACH_28(x, ...) TG_ARGUMENT(x), TG_EACH_27(__VA_ARGS__)
#define TG_EACH_29(x, ...) TG_ARGUMENT(x), TG_EACH_28(__VA_ARGS__)
#define TG_EACH_30(x, ...) TG_ARGUMENT(x), TG_EACH_29(__VA_ARGS__)
#define TG_EACH_31(x, ...) TG_ARGUMENT(x), TG_EACH_30(__VA_ARGS__)
#define TG_EACH_32(x, ...) TG_ARGUMENT(x), TG_EACH_31(__VA_ARGS__)
#define TG_ARGS(...)                                                                           \
    (const tg_argument[]){TG_EACH_(TG_COUNT_(__VA_ARGS__), __VA_ARGS__)}, TG_COUNT_(__VA_ARGS__)
#endif
#endif
