/* dsl/passes/math_f32.inc and math_f64.inc as plain C: the second instantiation, for tests. */
#ifndef TEST_MATH_F32_H
#define TEST_MATH_F32_H
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef float VF;
typedef double VD;
typedef int32_t VI;
typedef int64_t VL;
typedef uint64_t VU;
typedef bool VB;

static inline VI fbits_(float x) { VI i; memcpy(&i, &x, 4); return i; }
static inline VF bitsf_(VI i) { VF x; memcpy(&x, &i, 4); return x; }
static inline VL dbits_(double x) { VL i; memcpy(&i, &x, 8); return i; }
static inline VD bitsd_(VL i) { VD x; memcpy(&x, &i, 8); return x; }

#define MARG
#define MFN(ret, name, ...) static inline ret m_##name(__VA_ARGS__)
#define CALL(name, ...)     m_##name(__VA_ARGS__)
#define RARELY(name, x, least) (ABS(x) >= (least) ? m_##name(x) : 0)
#define RARELY2(name, x, y, key, least) (ABS(key) >= (least) ? m_##name(x, y) : 0)
#define LIBRARY1(op, name, x) name(x)
#define F(x)                ((float)(x))
#define D(x)                ((double)(x))
#define I(x)                ((int32_t)(x))
#define L(x)                ((int64_t)(x))
#define U(x)                ((uint64_t)(x))
#define ADD(a, b)           ((a) + (b))
#define SUB(a, b)           ((a) - (b))
#define MUL(a, b)           ((a) * (b))
#define DIV(a, b)           ((a) / (b))
#define NEG(a)              (-(a))
#define FMA(a, b, c)        _Generic((a), float: fmaf, double: fma)(a, b, c)
#define ABS(a)              _Generic((a), float: fabsf, double: fabs)(a)
#define SQRT(a)             _Generic((a), float: sqrtf, double: sqrt)(a)
#define TRUNC(a)            _Generic((a), float: truncf, double: trunc)(a)
#define FMOD(a, b)          _Generic((a), float: fmodf, double: fmod)(a, b)
#define COPYSIGN(a, b)      _Generic((a), float: copysignf, double: copysign)(a, (b))
#define LDEXP(a, n)         ldexpf(a, isnan(n) ? 0 : (int)(n))
#define SIGNBIT(a)          (signbit(a) != 0)
#define LT(a, b)            ((a) < (b))
#define LE(a, b)            ((a) <= (b))
#define GT(a, b)            ((a) > (b))
#define GE(a, b)            ((a) >= (b))
#define EQ(a, b)            ((a) == (b))
#define NE(a, b)            ((a) != (b))
#define AND(a, b)           ((a) & (b))
#define OR(a, b)            ((a) | (b))
#define XOR(a, b)           ((a) ^ (b))
#define NOT(a)              (!(a))
#define SEL(c, a, b)        ((c) ? (a) : (b))
#define F2D(a)              ((double)(a))
#define D2F(a)              ((float)(a))
#define I2F(a)              ((float)(a))
#define L2D(a)              ((double)(a))
#define L2I(a)              ((int32_t)(uint32_t)(uint64_t)(a))
#define I2U(a)              ((uint64_t)(a))
#define U2L(a)              ((int64_t)(a))
#define L2U(a)              ((uint64_t)(a))
#define FBITS(a)            fbits_(a)
#define BITSF(a)            bitsf_(a)
#define DBITS(a)            dbits_(a)
#define BITSD(a)            bitsd_(a)
#define IADD(a, b)          ((int32_t)((uint32_t)(a) + (uint32_t)(b)))
#define ISUB(a, b)          ((int32_t)((uint32_t)(a) - (uint32_t)(b)))
#define IAND(a, b)          ((a) & (b))
#define IOR(a, b)           ((a) | (b))
#define IXOR(a, b)          ((a) ^ (b))
#define ISHL(a, n)          ((int32_t)((uint32_t)(a) << (n)))
#define ISHR(a, n)          ((a) >> (n))
#define LTI(a, b)           ((a) < (b))
#define EQI(a, b)           ((a) == (b))
#define LADD(a, b)          ((int64_t)((uint64_t)(a) + (uint64_t)(b)))
#define LSUB(a, b)          ((int64_t)((uint64_t)(a) - (uint64_t)(b)))
#define LAND_(a, b)         ((a) & (b))
#define LSHL(a, n)          ((int64_t)((uint64_t)(a) << (n)))
#define LSHR(a, n)          ((a) >> (n))
#define LXOR(a, b)          ((a) ^ (b))
#define EQL(a, b)           ((a) == (b))
#define NEL(a, b)           ((a) != (b))
#define UADD(a, b)          ((a) + (b))
#define USUB(a, b)          ((a) - (b))
#define UMUL(a, b)          ((a) * (b))
#define UAND(a, b)          ((a) & (b))
#define UOR(a, b)           ((a) | (b))
#define USHL(a, n)          ((a) << (n))
#define USHR(a, n)          ((a) >> (n))
#include "dsl/passes/math_f32.inc"
#include "dsl/passes/math_f64.inc"
#endif
