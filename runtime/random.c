/* See random.h. SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
 * generators", 2014): one 64-bit state, passes BigCrush, and any seed is as good as another. */
#include "runtime/random.h"

uint64_t tg_random_next(tg_random *r) {
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

double tg_random_unit(tg_random *r) {
    return (double)(tg_random_next(r) >> 11) * 0x1p-53;
}

int64_t tg_random_range(tg_random *r, int64_t low, int64_t high) {
    if (high <= low) {
        return low;
    }
    uint64_t n = (uint64_t)high - (uint64_t)low + 1;
    uint64_t v = tg_random_next(r);
    return (int64_t)((uint64_t)low + (n ? v % n : v));
}

static void integer_limits(tg_dtype t, int64_t *low, int64_t *high) {
    int bits = tg_dtype_bits(t);
    bool is_signed = tg_dtype_kind_of(t) == TG_KIND_SINT;
    if (bits == 64) {
        *low = is_signed ? INT64_MIN : 0;
        *high = INT64_MAX;
    } else {
        *low = is_signed ? -((int64_t)1 << (bits - 1)) : 0;
        *high = ((int64_t)1 << (is_signed ? bits - 1 : bits)) - 1;
    }
}

static int64_t clamp_int(double v, int64_t low, int64_t high) {
    if (v <= (double)low) {
        return low;
    }
    return v >= (double)high ? high : (int64_t)v;
}

static tg_scalar random_scalar(tg_random *r, tg_dtype dtype, double low, double high) {
    tg_scalar s = {.dtype = dtype};
    int64_t least, most;
    switch (tg_dtype_kind_of(dtype)) {
    case TG_KIND_BOOL:
        s.i = (int64_t)(tg_random_next(r) >> 63);
        break;
    case TG_KIND_SINT:
    case TG_KIND_UINT:
        integer_limits(dtype, &least, &most);
        s.i = tg_random_range(r, clamp_int(low, least, most), clamp_int(high, least, most));
        break;
    case TG_KIND_FLOAT:
    case TG_KIND_COMPLEX:
        s.f = tg_round_to(tg_dtype_real(dtype), low + (high - low) * tg_random_unit(r));
        if (tg_dtype_kind_of(dtype) == TG_KIND_COMPLEX) {
            s.g = tg_round_to(tg_dtype_real(dtype), low + (high - low) * tg_random_unit(r));
        }
        break;
    case TG_KIND_NONE:
        break;
    }
    return s;
}

void tg_random_fill(tg_tensor *t, uint64_t seed, double low, double high) {
    tg_random r = {seed};
    int64_t n = tg_tensor_count(t);
    for (int64_t i = 0; i < n; i++) {
        tg_scalar_store(random_scalar(&r, t->dtype, low, high), t->arg.data,
                        tg_tensor_offset(t, i));
    }
}

void tg_random_fill_sorted(tg_tensor *t, uint64_t seed, int64_t low, int64_t high) {
    tg_random r = {seed};
    int64_t n = tg_tensor_count(t), at = low;
    for (int64_t i = 0; i < n; i++) {
        /* Steps average to what is left over the elements left; the last element is `high`. */
        int64_t left = n - 1 - i;
        int64_t step = left ? tg_random_range(&r, 0, 2 * ((high - at) / (left + 1))) : 0;
        int64_t v = i == 0 ? low : left == 0 ? high : at + step;
        at = v > high ? high : v;
        tg_scalar_store((tg_scalar){.dtype = t->dtype, .i = at}, t->arg.data,
                        tg_tensor_offset(t, i));
    }
}

void tg_random_fill_unique(tg_tensor *t, uint64_t seed, int64_t low) {
    tg_random r = {seed};
    int64_t n = tg_tensor_count(t);
    for (int64_t i = 0; i < n; i++) { /* inside-out Fisher-Yates shuffle */
        int64_t j = tg_random_range(&r, 0, i);
        int64_t oj = tg_tensor_offset(t, j), oi = tg_tensor_offset(t, i);
        tg_scalar_store(tg_scalar_load(t->dtype, t->arg.data, oj), t->arg.data, oi);
        tg_scalar_store((tg_scalar){.dtype = t->dtype, .i = low + i}, t->arg.data, oj);
    }
}
