/* Complex arithmetic by the textbook formulas. The bound e of an element holds for each of its two parts. */
#include "dsl/interp/internal.h"
#include "dsl/ir/scalar_eval.h"

#include <math.h>

static double size_of(const chunk *x, int64_t i) {
    return fabs(x->f[i]) + fabs(x->g[i]);
}

/* EXACT goes through the scalar definition; IDEAL through the same formulas in f64. */
static void value(const kernel_facts *k, int64_t n, const chunk *r, const chunk *x) {
    tg_dtype t = k->ideal ? TG_C64 : k->dtype;
    for (int64_t i = 0; i < n; i++) {
        tg_scalar in[3], out = {.dtype = t};
        for (int j = 0; j < k->n_operands; j++) {
            in[j] = (tg_scalar){.dtype = t, .f = x[j].f[i], .g = x[j].g[i]};
        }
        tg_scalar_eval(k->opcode, k->pred, t, in, (uint32_t)k->n_operands, &out);
        r->f[i] = out.f;
        r->g[i] = out.g;
    }
}

/* Is one of the four products of parts finite, but beyond the range? Beside an infinite one their sum may be anything. */
static bool part_overflows(const kernel_facts *k, const chunk *x, int64_t i) {
    const double a[2] = {fabs(x[0].f[i]), fabs(x[0].g[i])}, b[2] = {fabs(x[1].f[i]), fabs(x[1].g[i])};
    bool found = false;
    for (int j = 0; j < 4; j++) {
        double p = a[j / 2] * b[j % 2];
        found = found || (p > k->largest && p < INFINITY);
    }
    return found;
}

static double bound(const kernel_facts *k, const chunk *r, const chunk *x, int64_t i) {
    double ea = x[0].e[i], a = size_of(&x[0], i), u = k->unit;
    switch ((int)k->opcode) {
    case TG_OP_ADD:
    case TG_OP_SUB: /* a part that is no number leaves the other one what it is */
        return ea + x[1].e[i] + u * (finite_magnitude(r->f[i]) + finite_magnitude(r->g[i]));
    case TG_OP_MUL: {
        double eb = x[1].e[i], b = size_of(&x[1], i);
        bool overflows = a * b < INFINITY ? a * b > k->largest : part_overflows(k, x, i);
        return overflows ? UNSURE : a * eb + b * ea + 2 * ea * eb + 3 * u * a * b + 3 * k->tiny;
    }
    case TG_OP_DIV: {
        double eb = x[1].e[i], b = hypot(x[1].f[i], x[1].g[i]);
        double q = a / b, room = b - 2 * eb;
        bool bad = b * b > k->largest || b * b < k->tiny / k->unit || (a < INFINITY && a * b > k->largest);
        if (b < INFINITY && b > 0 && bad) {
            return UNSURE; /* the textbook formula leaves the range on its way */
        }
        return room > 0 ? (2 * ea + 2 * q * eb) / room + 12 * u * q + 3 * k->tiny : UNSURE;
    }
    default:
        return ea;
    }
}

static void error(const kernel_facts *k, int64_t n, const chunk *r, const chunk *x) {
    for (int64_t i = 0; i < n; i++) {
        r->e[i] = bound(k, r, x, i);
        if (!(fabs(r->g[i]) <= k->largest) && r->e[i] != r->e[i]) {
            r->e[i] = 0; /* infinite or NaN imaginary part: the class is what counts */
        }
    }
}

kernel_entry complex_kernel(tg_opcode op) {
    switch ((int)op) {
    case TG_OP_ADD:
    case TG_OP_SUB:
    case TG_OP_MUL:
    case TG_OP_DIV:
    case TG_OP_NEG:
    case TG_OP_CONJ:
        return (kernel_entry){value, error, true};
    default:
        return (kernel_entry){NULL, NULL, false};
    }
}
