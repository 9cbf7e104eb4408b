/* Stores: elements are rounded to the tensor's dtype in memory; in IDEAL the shadow keeps the unrounded value and its bound. */
#include "dsl/interp/internal.h"

#include <math.h>

/* Bits of a value that f16 represents. */
static inline uint16_t f16_bits(double v) {
    float f = (float)v;
    uint32_t bits;
    memcpy(&bits, &f, 4);
    uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
    if (magnitude >= 0x7f800000u) {
        return (uint16_t)(sign | 0x7c00u | (magnitude > 0x7f800000u ? 0x200u : 0));
    }
    if (magnitude < 0x38800000u) {
        return (uint16_t)(sign | (uint32_t)fabs(v * 0x1p24));
    }
    return (uint16_t)(sign | ((magnitude - 0x38000000u) >> 13));
}

#define SCATTER(type, expr)                                                                    \
    {                                                                                          \
        type *m = data;                                                                        \
        for (int64_t k = 0; k < n; k++) {                                                      \
            if (on[k]) {                                                                       \
                m[offset[k]] = (type)(expr);                                                   \
            }                                                                                  \
        }                                                                                      \
        return;                                                                                \
    }

static void scatter(tg_dtype t, void *data, const int64_t *offset, const uint8_t *on, int64_t n,
                    const chunk *x) {
    switch ((int)t) {
    case TG_F64:
        SCATTER(double, x->f[k])
    case TG_F32:
        SCATTER(float, x->f[k])
    case TG_F16:
        SCATTER(uint16_t, f16_bits(x->f[k]))
    case TG_BF16:
        SCATTER(uint16_t, tg_f32_to_bf16((float)x->f[k]))
    case TG_I64:
    case TG_U64:
        SCATTER(int64_t, x->i[k])
    case TG_I32:
    case TG_U32:
        SCATTER(uint32_t, x->i[k])
    case TG_I16:
    case TG_U16:
        SCATTER(uint16_t, x->i[k])
    case TG_I8:
    case TG_U8:
    case TG_BOOL:
        SCATTER(uint8_t, x->i[k])
    default:
        break;
    }
    for (int64_t k = 0; k < n; k++) {
        if (on[k]) {
            tg_scalar s = {.dtype = t};
            s.i = x->i ? x->i[k] : 0;
            s.f = x->f ? x->f[k] : 0;
            s.g = x->g ? x->g[k] : 0;
            tg_scalar_store(s, data, offset[k]);
        }
    }
}

static void store_shadow(interp *c, const tensor *t, element el, const position *p,
                         const uint8_t *q, int64_t n, const chunk *x) {
    int64_t step = is_complex(t->dtype) ? 2 : 1;
    for (int64_t k = 0; k < n; k++) {
        if (!p->inside[k]) {
            continue;
        }
        int64_t at = p->dense[k];
        bool open = q[k] || c->doubt > 0;
        double e = x->f ? x->e[k] : x->q[k] ? INFINITY : 0;
        e = open ? INFINITY : e;
        t->bound[at] = el.part ? max_f(t->bound[at], e) : e;
        if (t->value) {
            t->value[at * step + el.part] = x->f[k];
        }
        if (x->g) {
            t->value[at * step + 1] = x->g[k];
        }
    }
}

/* Stores elements at positions; p->inside says which. x is in IDEAL unrounded. */
void store_elements(interp *c, const tg_op *op, const tensor *t, const position *p,
                    const uint8_t *q, int64_t n, const chunk *x) {
    element el = element_of(op, t);
    int64_t at[CHUNK];
    double f[CHUNK], g[CHUNK];
    chunk rounded = *x;
    for (int64_t k = 0; k < n; k++) {
        at[k] = p->offset[k] * el.step + el.part;
    }
    if (c->ideal && x->f) {
        memcpy(f, x->f, (size_t)n * sizeof *f);
        round_array(el.dtype, f, n);
        rounded.f = f;
    }
    if (c->ideal && x->g) {
        memcpy(g, x->g, (size_t)n * sizeof *g);
        round_array(el.dtype, g, n);
        rounded.g = g;
    }
    scatter(el.dtype, t->data, at, p->inside, n, &rounded);
    if (t->bound) {
        store_shadow(c, t, el, p, q, n, x);
    }
    for (int64_t k = 0; t->written && k < n; k++) {
        t->written[p->dense[k]] |= p->inside[k];
    }
}

/* Does the value come from memory? Then an index outside the tensor is a gather gone wrong. */
static bool reads_memory(const tg_value *v, int depth) {
    if (!v->def || depth > 32) {
        return false;
    }
    if (v->def->opcode == TG_OP_LOAD) {
        return true;
    }
    for (uint32_t k = 0; k < v->def->n_operands; k++) {
        if (reads_memory(tg_operand(v->def, k), depth + 1)) {
            return true;
        }
    }
    return false;
}

static bool has_gather_index(const tg_op *op, const tensor *t) {
    for (uint32_t d = 0; d < t->rank; d++) {
        if (reads_memory(tg_op_index(op, d), 0)) {
            return true;
        }
    }
    return false;
}

static void apply_guard(const chunk *guard, position *p, uint8_t *q, int64_t n) {
    for (int64_t k = 0; k < n; k++) {
        p->inside[k] &= guard->i[k] != 0 || guard->q[k];
        q[k] |= guard->q[k];
    }
}

static void check_inside(interp *c, const position *p, int64_t n) {
    for (int64_t k = 0; k < n; k++) {
        if (!p->inside[k]) {
            interp_fail(c, TG_ERROR_LAUNCH,
                        "L0908: store outside its tensor at an index read from memory");
        }
    }
}

void exec_store(interp *c, const tg_op *op) {
    tensor *t = with_shadow(c, operand(c, op, 0)->tensor);
    const tg_value *value = tg_operand(op, 1), *guard = tg_op_guard(op);
    shape s = shape_of_indices(c, op, t);
    bool must_be_inside =
        c->check && !tg_op_flag(op, TG_ATTR_UNCHECKED) && has_gather_index(op, t);
    position_stream ps;
    position p;
    stream vs, gs;
    chunk_store v_store, g_store;
    position_init(c, &ps, op, t, &s);
    stream_init(&vs, c->slot[value->id], value->type, &s, &v_store);
    if (guard) {
        stream_init(&gs, c->slot[guard->id], guard->type, &s, &g_store);
    }
    for (int64_t at = 0; at < s.total; at += CHUNK) {
        int64_t n = s.total - at < CHUNK ? s.total - at : CHUNK;
        position_next(&ps, n, &p);
        if (must_be_inside && !guard) {
            check_inside(c, &p, n);
        }
        chunk x = stream_next(&vs, n);
        if (guard) {
            chunk on = stream_next(&gs, n);
            apply_guard(&on, &p, ps.q, n);
        }
        if (t->n) {
            store_elements(c, op, t, &p, ps.q, n, &x);
        }
    }
}
