/* Facts about element types, from dtypes.def, and scalars of any type: load, store, convert.
 *
 * A tg_scalar keeps integers in `i` (u64 by bit pattern) and floats in `f`: a double holds
 * every value of every float type here exactly. Rounding to the small formats is in
 * dtype_float.c. The conversions are the ones of docs/language.md section 4; the interpreter
 * uses them as they are, so they define the meaning. */
#include "base/dtype.h"

#include "base/dtype_float.h"

#include <math.h>
#include <string.h>

enum { N_DTYPES = TG_C64 + 1 };

typedef struct dtype_info {
    const char *name;
    int bits;
    tg_dtype_kind kind;
    int precision;
    tg_dtype wide;
    bool is_storage;
} dtype_info;

static const dtype_info infos[N_DTYPES] = {
    [TG_DTYPE_NONE] = {"none", 0, TG_KIND_NONE, 0, TG_DTYPE_NONE, false},
#define DTYPE(enumerator, name, bits, kind, precision, wide, storage)                          \
    [enumerator] = {name, bits, TG_KIND_##kind, precision, wide, storage},
#include "base/dtypes.def"
#undef DTYPE
};

static const dtype_info *info_of(tg_dtype t) {
    return &infos[(unsigned)t < N_DTYPES ? t : TG_DTYPE_NONE];
}

const char *tg_dtype_name(tg_dtype dtype) {
    return info_of(dtype)->name;
}

tg_dtype tg_dtype_from_name(const char *name) {
    if (!name) {
        return TG_DTYPE_NONE;
    }
    for (int t = TG_BOOL; t < N_DTYPES; t++) {
        if (strcmp(infos[t].name, name) == 0) {
            return (tg_dtype)t;
        }
    }
    return strcmp(name, "int") == 0 ? TG_I64 : TG_DTYPE_NONE;
}

int tg_dtype_bits(tg_dtype dtype) {
    return info_of(dtype)->bits;
}

tg_dtype_kind tg_dtype_kind_of(tg_dtype t) {
    return info_of(t)->kind;
}

bool tg_dtype_is_int(tg_dtype t) {
    return info_of(t)->kind == TG_KIND_SINT || info_of(t)->kind == TG_KIND_UINT;
}

bool tg_dtype_is_float(tg_dtype t) {
    return info_of(t)->kind == TG_KIND_FLOAT;
}

bool tg_dtype_is_storage(tg_dtype t) {
    return info_of(t)->is_storage;
}

tg_dtype tg_dtype_wide(tg_dtype t) {
    return info_of(t)->wide;
}

tg_dtype tg_dtype_real(tg_dtype t) {
    return t == TG_C32 ? TG_F32 : t == TG_C64 ? TG_F64 : t;
}

size_t tg_dtype_size(tg_dtype t) {
    return (size_t)info_of(t)->bits / 8;
}

double tg_dtype_unit(tg_dtype t) {
    const dtype_info *info = info_of(t);
    bool rounds = info->kind == TG_KIND_FLOAT || info->kind == TG_KIND_COMPLEX;
    return rounds ? ldexp(1.0, -info->precision) : 0.0;
}

/* Floats: the target has at least the precision and the exponent range. */
static bool float_converts(tg_dtype from, tg_dtype to) {
    if (from == to) {
        return true;
    }
    bool is_small = tg_dtype_bits(from) <= 8; /* f4 and f8 */
    return to == TG_F64 || (to == TG_F32 && from != TG_F64) || (to == TG_BF16 && is_small) ||
           (to == TG_F16 && is_small && from != TG_F8E8M0);
}

static bool int_converts(const dtype_info *from, const dtype_info *to) {
    if (from->kind == to->kind) {
        return from->bits <= to->bits;
    }
    return from->kind == TG_KIND_UINT && from->bits < to->bits;
}

bool tg_dtype_converts_implicitly(tg_dtype from, tg_dtype to) {
    if (from == to) {
        return from != TG_DTYPE_NONE;
    }
    if (tg_dtype_is_int(from) && tg_dtype_is_int(to)) {
        return int_converts(info_of(from), info_of(to));
    }
    bool to_complex = tg_dtype_kind_of(to) == TG_KIND_COMPLEX;
    bool from_complex = tg_dtype_kind_of(from) == TG_KIND_COMPLEX;
    tg_dtype real = tg_dtype_real(from);
    if (!tg_dtype_is_float(real) || (from_complex && !to_complex)) {
        return false;
    }
    return tg_dtype_is_float(tg_dtype_real(to)) && float_converts(real, tg_dtype_real(to));
}

tg_dtype tg_dtype_common(tg_dtype a, tg_dtype b) {
    tg_dtype least = TG_DTYPE_NONE;
    for (int i = TG_BOOL; i < N_DTYPES; i++) {
        tg_dtype t = (tg_dtype)i;
        if (!tg_dtype_converts_implicitly(a, t) || !tg_dtype_converts_implicitly(b, t)) {
            continue;
        }
        if (least == TG_DTYPE_NONE || tg_dtype_converts_implicitly(t, least)) {
            least = t;
        } else if (!tg_dtype_converts_implicitly(least, t)) {
            return TG_DTYPE_NONE; /* two incomparable candidates: there is no least one */
        }
    }
    return least;
}

/* The low `bits` of v as the integer type has them: sign- or zero-extended. */
static int64_t wrap_int(tg_dtype t, uint64_t v) {
    int shift = 64 - tg_dtype_bits(t);
    if (tg_dtype_kind_of(t) == TG_KIND_UINT) {
        return (int64_t)(v << shift >> shift);
    }
    return (int64_t)(v << shift) >> shift;
}

static int64_t load_packed(tg_dtype t, const void *base, int64_t index) {
    const unsigned char *bytes = base;
    unsigned byte = bytes[index >> 1];
    uint64_t nibble = index & 1 ? byte >> 4 : byte & 15u;
    return t == TG_F4E2M1 ? (int64_t)nibble : wrap_int(t, nibble);
}

static void store_packed(void *base, int64_t index, unsigned nibble) {
    unsigned char *p = (unsigned char *)base + (index >> 1);
    *p = (unsigned char)(index & 1 ? (*p & 0x0fu) | nibble << 4 : (*p & 0xf0u) | nibble);
}

static uint64_t load_bytes(const void *base, int64_t index, size_t size) {
    uint64_t v = 0; /* little endian, as all targets are */
    memcpy(&v, (const char *)base + index * (int64_t)size, size);
    return v;
}

tg_scalar tg_scalar_load(tg_dtype t, const void *base, int64_t index) {
    tg_scalar v = {.dtype = t};
    if (tg_dtype_kind_of(t) == TG_KIND_COMPLEX) {
        tg_dtype real = tg_dtype_real(t);
        v.f = tg_scalar_load(real, base, 2 * index).f;
        v.g = tg_scalar_load(real, base, 2 * index + 1).f;
        return v;
    }
    bool packed = tg_dtype_bits(t) == 4;
    uint64_t bits = packed ? (uint64_t)load_packed(t, base, index)
                           : load_bytes(base, index, tg_dtype_size(t));
    if (tg_dtype_is_float(t)) {
        v.f = tg_float_decode(t, bits);
    } else if (t == TG_BOOL) {
        v.i = bits != 0;
    } else if (t != TG_DTYPE_NONE) {
        v.i = packed ? (int64_t)bits : wrap_int(t, bits);
    }
    return v;
}

void tg_scalar_store(tg_scalar v, void *base, int64_t index) {
    tg_dtype t = v.dtype;
    if (tg_dtype_kind_of(t) == TG_KIND_COMPLEX) {
        tg_dtype real = tg_dtype_real(t);
        tg_scalar_store((tg_scalar){.dtype = real, .f = v.f}, base, 2 * index);
        tg_scalar_store((tg_scalar){.dtype = real, .f = v.g}, base, 2 * index + 1);
        return;
    }
    uint64_t bits = tg_dtype_is_float(t) ? tg_float_encode(t, v.f) : (uint64_t)v.i;
    if (tg_dtype_bits(t) == 4) {
        store_packed(base, index, (unsigned)(bits & 15));
    } else {
        size_t size = tg_dtype_size(t);
        memcpy((char *)base + index * (int64_t)size, &bits, size);
    }
}

/* Truncates, saturates, NaN → 0. */
static int64_t float_to_int(double f, tg_dtype to) {
    if (f != f) {
        return 0;
    }
    bool is_unsigned = tg_dtype_kind_of(to) == TG_KIND_UINT;
    int value_bits = tg_dtype_bits(to) - !is_unsigned;
    double limit = ldexp(1.0, value_bits); /* first value that does not fit */
    if (f >= limit) {
        return (int64_t)(UINT64_MAX >> (64 - value_bits));
    }
    if (is_unsigned) {
        return f <= 0 ? 0 : (int64_t)(uint64_t)f;
    }
    return f <= -limit ? -(int64_t)(UINT64_MAX >> (64 - value_bits)) - 1 : (int64_t)f;
}

/* A double that rounds to any format of at most 51 bits as the integer itself does: bits beyond
 * the 53rd are dropped and, if any was set, the lowest kept bit is set (round to odd; Boldo and
 * Melquiond, "Emulation of FMA and correctly rounded sums", 2008). */
static double int_to_odd_double(uint64_t magnitude) {
    int excess = magnitude >> 53 ? 11 - __builtin_clzll(magnitude) : 0;
    uint64_t kept = magnitude >> excess;
    bool is_inexact = (kept << excess) != magnitude;
    return ldexp((double)(kept | is_inexact), excess);
}

static double int_to_float(tg_scalar v, tg_dtype to) {
    bool negative = tg_dtype_kind_of(v.dtype) == TG_KIND_SINT && v.i < 0;
    uint64_t magnitude = negative ? 0 - (uint64_t)v.i : (uint64_t)v.i;
    if (to == TG_F64) {
        return negative ? -(double)magnitude : (double)magnitude;
    }
    double odd = int_to_odd_double(magnitude);
    return tg_round_to(to, negative ? -odd : odd);
}

static bool is_nonzero(tg_scalar v) {
    tg_dtype_kind kind = tg_dtype_kind_of(v.dtype);
    return kind == TG_KIND_FLOAT     ? v.f != 0
           : kind == TG_KIND_COMPLEX ? v.f != 0 || v.g != 0
                                     : v.i != 0;
}

tg_scalar tg_scalar_convert(tg_scalar v, tg_dtype to) {
    bool from_int = tg_dtype_is_int(v.dtype) || v.dtype == TG_BOOL;
    tg_dtype real = tg_dtype_real(to);
    tg_scalar r = {.dtype = to};
    if (v.dtype == to) {
        return v;
    }
    if (to == TG_BOOL) {
        r.i = is_nonzero(v);
    } else if (tg_dtype_is_int(to)) {
        r.i = from_int ? wrap_int(to, (uint64_t)v.i) : float_to_int(v.f, to);
    } else {
        r.f = from_int ? int_to_float(v, real) : tg_round_to(real, v.f);
        if (tg_dtype_kind_of(v.dtype) == TG_KIND_COMPLEX && real != to) {
            r.g = tg_round_to(real, v.g);
        }
    }
    return r;
}
