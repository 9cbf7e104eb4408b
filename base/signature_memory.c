/* Where the tensors of a launch lie: overlap (L0905) and alignment (L0906), by address ranges. Two tensors that
 * interleave without sharing an element count as overlapping; telling them apart would cost more than a launch. */
#include "base/io.h"
#include "base/signature_internal.h"

typedef struct extent_range {
    uintptr_t lo, hi; /* bytes, hi exclusive; equal: no elements */
} extent_range;

/* Strides are the caller's, so every sum and product may overflow: such a tensor counts as all of memory. */
static bool spread_of(const tg_launch_arg *a, int64_t *first, int64_t *end) {
    int64_t lo = 0, hi = 0, bits = tg_dtype_bits(a->dtype), reach;
    bool ok = true;
    for (uint32_t d = 0; ok && d < a->rank; d++) {
        ok = !__builtin_mul_overflow(a->tensor->shape[d] - 1, a->tensor->stride[d], &reach) &&
             !__builtin_add_overflow(reach < 0 ? lo : hi, reach, reach < 0 ? &lo : &hi);
    }
    ok = ok && hi < INT64_MAX && !__builtin_mul_overflow(lo, bits, &lo) &&
         !__builtin_mul_overflow(hi + 1, bits, &hi);
    *first = ok ? lo / 8 - (lo % 8 < 0) : 0;
    *end = ok ? hi / 8 + (hi % 8 > 0) : 0;
    return ok;
}

bool tg_launch_arg_spread(const tg_launch_arg *a, int64_t *first, int64_t *end) {
    for (uint32_t d = 0; d < a->rank; d++) {
        if (a->tensor->shape[d] <= 0) {
            *first = *end = 0;
            return true;
        }
    }
    return spread_of(a, first, end);
}

static extent_range range_of(const tg_launch_arg *a) {
    int64_t first, end;
    if (!tg_launch_arg_spread(a, &first, &end)) {
        return (extent_range){0, UINTPTR_MAX};
    }
    uintptr_t base = (uintptr_t)a->tensor->data;
    return (extent_range){base + (uintptr_t)first, base + (uintptr_t)end};
}

/* Sorted by |stride|, every dimension must step over all smaller ones together. */
static bool overlaps_itself(const tg_launch_arg *a) {
    int64_t stride[TG_MAX_RANK], reach[TG_MAX_RANK];
    uint32_t n = 0;
    for (uint32_t d = 0; d < a->rank; d++) {
        int64_t extent = a->tensor->shape[d], s = a->tensor->stride[d];
        if (extent <= 0) {
            return false;
        }
        if (extent == 1) {
            continue;
        }
        s = s < -INT64_MAX ? INT64_MAX : s < 0 ? -s : s;
        uint32_t at = n++;
        for (; at > 0 && stride[at - 1] > s; at--) {
            stride[at] = stride[at - 1];
            reach[at] = reach[at - 1];
        }
        stride[at] = s;
        if (__builtin_mul_overflow(extent - 1, s, &reach[at])) {
            reach[at] = INT64_MAX; /* no memory reaches so far: what follows it is refused */
        }
    }
    int64_t below = 0;
    for (uint32_t k = 0; k < n; k++) {
        if (stride[k] <= below) {
            return true;
        }
        below = reach[k] > INT64_MAX - below ? INT64_MAX : below + reach[k];
    }
    return false;
}

static bool packed_well(const tg_launch_arg *a) {
    if (a->rank == 0) {
        return true;
    }
    if (a->tensor->shape[a->rank - 1] > 1 && a->tensor->stride[a->rank - 1] != 1) {
        return false;
    }
    for (uint32_t d = 0; d + 1 < a->rank; d++) {
        if (a->tensor->shape[d] > 1 && a->tensor->stride[d] % 2 != 0) {
            return false;
        }
    }
    return true;
}

/* Alignment of one scalar: c64 like f64. */
static bool aligned_well(const tg_launch_arg *a) {
    size_t bytes = (size_t)tg_dtype_bits(tg_dtype_real(a->dtype)) / 8;
    return bytes <= 1 || (uintptr_t)a->tensor->data % bytes == 0;
}

static tg_status check_layout(const tg_signature *sig, const tg_launch_arg *args, uint32_t i,
                              char *message, size_t size) {
    const tg_launch_arg *a = &args[i];
    const char *name = sig->params[i].name, *type = tg_dtype_name(a->dtype);
    if (!aligned_well(a)) {
        tg_format(message, size, "L0906: %s is not aligned to its elements (%s)", name, type);
        return TG_ERROR_LAUNCH;
    }
    if (tg_dtype_bits(a->dtype) == 4 && !packed_well(a)) {
        tg_format(message, size,
                  "L0906: %s: %s is packed in pairs, so the last stride must be 1 and the "
                  "others even",
                  name, type);
        return TG_ERROR_LAUNCH;
    }
    if (sig->params[i].kind != TG_SP_IN && overlaps_itself(a)) {
        tg_format(message, size, "L0905: %s is written but its strides let elements overlap",
                  name);
        return TG_ERROR_LAUNCH;
    }
    return TG_OK;
}

static bool has_memory(const tg_signature *sig, const tg_launch_arg *args, uint32_t i) {
    tg_sig_param_kind kind = sig->params[i].kind;
    return kind != TG_SP_SCALAR && kind != TG_SP_PTR && tg_launch_arg_present(&args[i]);
}

static bool ranges_meet(extent_range x, extent_range y) {
    return x.lo < x.hi && y.lo < y.hi && x.lo < y.hi && y.lo < x.hi;
}

tg_status tg_signature_check_memory(const tg_signature *sig, const tg_launch_arg *args,
                                    uint32_t n_args, char *message, size_t size) {
    for (uint32_t i = 0; i < n_args && i < sig->n_params; i++) {
        if (!has_memory(sig, args, i)) {
            continue;
        }
        tg_status s = check_layout(sig, args, i, message, size);
        if (s != TG_OK) {
            return s;
        }
        int64_t first, end;
        if (!tg_launch_arg_spread(&args[i], &first, &end)) {
            tg_format(message, size, "L0905: the strides of %s reach over 2^60 bytes or more", sig->params[i].name);
            return TG_ERROR_LAUNCH;
        }
        extent_range mine = range_of(&args[i]);
        for (uint32_t k = 0; k < i; k++) {
            bool written = sig->params[i].kind != TG_SP_IN || sig->params[k].kind != TG_SP_IN;
            if (written && has_memory(sig, args, k) && ranges_meet(mine, range_of(&args[k]))) {
                tg_format(message, size, "L0905: %s overlaps %s", sig->params[i].name,
                          sig->params[k].name);
                return TG_ERROR_LAUNCH;
            }
        }
    }
    return TG_OK;
}
