/* Operations whose operand and result types differ: comparisons, choices, conversions. In IDEAL this is where an error of a
 * float turns into the uncertainty of a bool or an integer, and back into a bound. */
#include "dsl/interp/internal.h"
#include "dsl/ir/scalar_eval.h"

#include <math.h>

/* ---- cmp -------------------------------------------------------------------------------- */

static bool holds(tg_enum pred, int order) { /* order: -1 0 1, 2 unordered */
    switch ((int)pred) {
    case TG_EQ:
        return order == 0;
    case TG_NE:
        return order != 0;
    case TG_LT:
        return order == -1;
    case TG_LE:
        return order == -1 || order == 0;
    case TG_GT:
        return order == 1;
    default:
        return order == 1 || order == 0;
    }
}

static void cmp_ints(const kernel_facts *k, int64_t n, const chunk *r, const chunk *x) {
    const int64_t flip = k->from == TG_U64 ? INT64_MIN : 0;
    bool lt = holds(k->pred, -1), eq = holds(k->pred, 0), gt = holds(k->pred, 1);
    for (int64_t i = 0; i < n; i++) {
        int64_t a = x[0].i[i] ^ flip, b = x[1].i[i] ^ flip;
        r->i[i] = a < b ? lt : a > b ? gt : eq;
    }
}

static void cmp_floats(const kernel_facts *k, int64_t n, const chunk *r, const chunk *x) {
    bool lt = holds(k->pred, -1), eq = holds(k->pred, 0), gt = holds(k->pred, 1),
         un = holds(k->pred, 2);
    for (int64_t i = 0; i < n; i++) {
        double a = x[0].f[i], b = x[1].f[i];
        r->i[i] = a < b ? lt : a > b ? gt : a == b ? eq : un;
    }
    for (int64_t i = 0; r->q && i < n; i++) {
        double e = x[0].e[i] + x[1].e[i];
        r->q[i] |= e > 0 && !(fabs(x[0].f[i] - x[1].f[i]) > e);
    }
}

static void cmp_complex(const kernel_facts *k, int64_t n, const chunk *r, const chunk *x) {
    for (int64_t i = 0; i < n; i++) {
        double d = fabs(x[0].f[i] - x[1].f[i]), g = fabs(x[0].g[i] - x[1].g[i]);
        bool equal = x[0].f[i] == x[1].f[i] && x[0].g[i] == x[1].g[i];
        r->i[i] = (k->pred == TG_EQ) == equal;
        if (r->q) {
            double e = x[0].e[i] + x[1].e[i];
            r->q[i] |= e > 0 && !(d > e || g > e);
        }
    }
}

static void cmp(const kernel_facts *k, int64_t n, const chunk *r, const chunk *x) {
    (is_integer(k->from)   ? cmp_ints
     : is_complex(k->from) ? cmp_complex
                           : cmp_floats)(k, n, r, x);
}

/* ---- select ----------------------------------------------------------------------------- */

static void select_ints(int64_t n, const chunk *r, const chunk *x) {
    for (int64_t i = 0; i < n; i++) {
        r->i[i] = x[0].i[i] ? x[1].i[i] : x[2].i[i];
    }
    for (int64_t i = 0; r->q && i < n; i++) {
        uint8_t either = x[1].q[i] | x[2].q[i] | (x[1].i[i] != x[2].i[i]);
        r->q[i] = x[0].q[i] ? either : x[0].i[i] ? x[1].q[i] : x[2].q[i];
    }
}

/* The bound around the chosen value that covers the other one. */
static double cover(double chosen, double ec, double other, double eo) {
    bool same = chosen == other || (chosen != chosen && other != other);
    double e = same ? eo : fabs(chosen - other) + eo;
    return e >= ec ? e : e < ec ? ec : INFINITY;
}

static void select_errors(int64_t n, const chunk *r, const chunk *x) {
    for (int64_t i = 0; i < n; i++) {
        const chunk *yes = x[0].i[i] ? &x[1] : &x[2], *no = x[0].i[i] ? &x[2] : &x[1];
        double e = yes->e[i];
        if (x[0].q[i]) {
            e = cover(yes->f[i], e, no->f[i], no->e[i]);
            e = r->g ? max_f(e, cover(yes->g[i], e, no->g[i], no->e[i])) : e;
        }
        r->e[i] = e;
    }
}

static void select_any(const kernel_facts *k, int64_t n, const chunk *r, const chunk *x) {
    (void)k;
    if (r->i) {
        select_ints(n, r, x);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        r->f[i] = x[0].i[i] ? x[1].f[i] : x[2].f[i];
    }
    for (int64_t i = 0; r->g && i < n; i++) {
        r->g[i] = x[0].i[i] ? x[1].g[i] : x[2].g[i];
    }
    if (r->e) {
        select_errors(n, r, x);
    }
}

/* ---- cast ------------------------------------------------------------------------------- */

static void int_to_int(const kernel_facts *k, int64_t n, const chunk *r, const chunk *x) {
    for (int64_t i = 0; i < n; i++) {
        r->i[i] = k->dtype == TG_BOOL ? x[0].i[i] != 0 : x[0].i[i];
    }
    wrap_array(k->dtype, r->i, n);
}

static double real_of_int(const kernel_facts *k, int64_t v) {
    double d = k->from == TG_U64 ? (double)(uint64_t)v : (double)v;
    if (k->ideal || fabs(d) < 0x1p53) {
        return d;
    }
    return tg_scalar_convert((tg_scalar){.dtype = k->from, .i = v}, tg_dtype_real(k->dtype)).f;
}

static void int_to_real(const kernel_facts *k, int64_t n, const chunk *r, const chunk *x) {
    for (int64_t i = 0; i < n; i++) {
        r->f[i] = real_of_int(k, x[0].i[i]);
    }
    if (r->g) {
        memset(r->g, 0, (size_t)n * sizeof *r->g);
    }
    double exact_below = 0.5 / tg_dtype_unit(k->dtype);
    for (int64_t i = 0; r->e && i < n; i++) {
        double v = fabs(r->f[i]);
        r->e[i] = x[0].q[i] ? INFINITY : v < exact_below ? 0 : k->unit * v;
    }
}

static int64_t saturate(tg_dtype to, double v) {
    if (to == TG_I32 && fabs(v) < 0x1p31) {
        return (int64_t)v;
    }
    if (to == TG_I64 && fabs(v) < 0x1p63) {
        return (int64_t)v;
    }
    return tg_scalar_convert((tg_scalar){.dtype = TG_F64, .f = v}, to).i;
}

static void real_to_int(const kernel_facts *k, int64_t n, const chunk *r, const chunk *x) {
    bool to_bool = k->dtype == TG_BOOL;
    for (int64_t i = 0; i < n; i++) {
        double v = x[0].f[i], e = r->q ? x[0].e[i] : 0;
        r->i[i] = to_bool ? v != 0 : saturate(k->dtype, v);
        if (e > 0 && r->q) {
            bool moves =
                to_bool ? fabs(v) <= e : saturate(k->dtype, v - e) != saturate(k->dtype, v + e);
            r->q[i] |= moves || !(e < INFINITY);
        }
    }
}

static void real_to_real(const kernel_facts *k, int64_t n, const chunk *r, const chunk *x) {
    memcpy(r->f, x[0].f, (size_t)n * sizeof *r->f);
    if (r->g && x[0].g) {
        memcpy(r->g, x[0].g, (size_t)n * sizeof *r->g);
    } else if (r->g) {
        memset(r->g, 0, (size_t)n * sizeof *r->g);
    }
    if (!r->e) {
        return;
    }
    bool narrows =
        !tg_dtype_converts_implicitly(tg_dtype_real(k->from), tg_dtype_real(k->dtype));
    if (!narrows) {
        memcpy(r->e, x[0].e, (size_t)n * sizeof *r->e);
        return;
    }
    double rounded[CHUNK]; /* an exact value that needs no rounding stays exact */
    memcpy(rounded, r->f, (size_t)n * sizeof *rounded);
    round_array(k->dtype, rounded, n);
    for (int64_t i = 0; i < n; i++) {
        double size = max_f(fabs(r->f[i]), r->g ? fabs(r->g[i]) : 0);
        bool exact = x[0].e[i] == 0 && rounded[i] == r->f[i] && !r->g;
        r->e[i] = exact ? 0 : x[0].e[i] + k->unit * (size + x[0].e[i]) + k->tiny;
    }
}

/* Formats without infinities clamp: the bound never exceeds the range. */
static void clamp_finite(const kernel_facts *k, int64_t n, const chunk *r) {
    for (int64_t i = 0; i < n; i++) {
        bool scale = k->dtype == TG_F8E8M0 && r->f[i] < 0x1p-127; /* no zero, no sign */
        if (scale || !(fabs(r->f[i]) <= k->largest)) {
            r->f[i] = tg_round_to(k->dtype, r->f[i]);
        }
    }
}

static void cast(const kernel_facts *k, int64_t n, const chunk *r, const chunk *x) {
    bool from_int = is_integer(k->from), to_int = is_integer(k->dtype);
    if (to_int && is_complex(k->from)) {
        for (int64_t i = 0; i < n; i++) {
            r->i[i] = k->dtype == TG_BOOL ? x[0].f[i] != 0 || x[0].g[i] != 0
                                          : saturate(k->dtype, x[0].f[i]);
        }
    } else if (to_int) {
        (from_int ? int_to_int : real_to_int)(k, n, r, x);
    } else {
        (from_int ? int_to_real : real_to_real)(k, n, r, x);
        bool clamps = k->dtype == TG_F8E4M3 || k->dtype == TG_F4E2M1 || k->dtype == TG_F8E8M0;
        if (clamps && k->ideal) {
            clamp_finite(k, n, r);
        }
    }
}

static void cast_error(const kernel_facts *k, int64_t n, const chunk *r, const chunk *x) {
    (void)k, (void)n, (void)r,
        (void)x; /* cast has filled the bounds; this asks for the range check */
}

static void bitcast(const kernel_facts *k, int64_t n, const chunk *r, const chunk *x) {
    for (int64_t i = 0; i < n; i++) {
        tg_scalar in = {.dtype = k->from}, out = {.dtype = k->dtype};
        in.i = x[0].i ? x[0].i[i] : 0;
        in.f = x[0].f ? round_value(k->from, x[0].f[i]) : 0;
        in.g = x[0].g ? round_value(k->from, x[0].g[i]) : 0;
        tg_scalar_eval(TG_OP_BITCAST, TG_ENUM_NONE, k->dtype, &in, 1, &out);
        bool unsure = x[0].e[i] > 0 || x[0].q[i] ||
                      (k->ideal && x[0].f && in.f != x[0].f[i]); /* NaN: any bits */
        if (r->i) {
            r->i[i] = out.i;
        } else {
            r->f[i] = out.f;
        }
        if (r->g) {
            r->g[i] = out.g;
        }
        if (r->q) {
            r->q[i] |= unsure;
        }
        if (r->e) {
            r->e[i] = unsure ? INFINITY : 0;
        }
    }
}

/* ---- predicates, parts, copies ---------------------------------------------------------- */

static void predicate(const kernel_facts *k, int64_t n, const chunk *r, const chunk *x) {
    for (int64_t i = 0; i < n; i++) {
        double v = x[0].f[i];
        bool is = k->opcode == TG_OP_ISNAN      ? v != v
                  : k->opcode == TG_OP_ISINF    ? isinf(v) != 0
                  : k->opcode == TG_OP_ISFINITE ? isfinite(v) != 0
                                                : signbit(v) != 0;
        r->i[i] = is;
        if (r->q) {
            double e = x[0].e[i];
            bool any_sign = v != v || (e > 0 && fabs(v) <= e); /* of a NaN: whatever made it */
            r->q[i] |= k->opcode == TG_OP_SIGNBIT ? any_sign : !(e < INFINITY);
        }
    }
}

static void cplx(const kernel_facts *k, int64_t n, const chunk *r, const chunk *x) {
    (void)k;
    memcpy(r->f, x[0].f, (size_t)n * sizeof *r->f);
    memcpy(r->g, x[1].f, (size_t)n * sizeof *r->g);
    for (int64_t i = 0; r->e && i < n; i++) {
        r->e[i] = max_f(x[0].e[i], x[1].e[i]);
    }
}

static void copy(const kernel_facts *k, int64_t n, const chunk *r, const chunk *x) {
    const double *from = k->opcode == TG_OP_IM ? x[0].g : x[0].f;
    if (r->i) {
        memcpy(r->i, x[0].i, (size_t)n * sizeof *r->i);
        return;
    }
    if (from) {
        memcpy(r->f, from, (size_t)n * sizeof *r->f);
    } else {
        memset(r->f, 0, (size_t)n * sizeof *r->f); /* im of a real number */
    }
    if (r->g) {
        memcpy(r->g, x[0].g, (size_t)n * sizeof *r->g);
    }
    if (r->e) {
        memcpy(r->e, x[0].e, (size_t)n * sizeof *r->e);
    }
}

kernel_entry convert_kernel(tg_opcode op) {
    switch ((int)op) {
    case TG_OP_CMP:
        return (kernel_entry){cmp, NULL, true};
    case TG_OP_SELECT:
        return (kernel_entry){select_any, NULL, true};
    case TG_OP_CAST:
        return (kernel_entry){cast, cast_error, false};
    case TG_OP_BITCAST:
        return (kernel_entry){bitcast, NULL, true};
    case TG_OP_CPLX:
        return (kernel_entry){cplx, NULL, true};
    case TG_OP_RE:
    case TG_OP_IM:
    case TG_OP_BROADCAST:
        return (kernel_entry){copy, NULL, true};
    default:
        return (kernel_entry){predicate, NULL, true};
    }
}
