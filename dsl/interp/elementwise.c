/* The driver of elementwise operations: aligns operands in chunks, runs the operation's kernel on each chunk, then rounds (EXACT) or
 * bounds the error (IDEAL). Kernels are found by opcode and kind of type; see kernels_*.c. */
#include "dsl/interp/internal.h"

#include <math.h>

kernel_facts facts_of(const interp *c, tg_dtype t) {
    kernel_facts k = {.dtype = t, .from = t, .ideal = c->ideal};
    k.unit = tg_dtype_unit(t) + (c->ideal ? 0x1p-53 : 0);
    enum { APPROXIMATE = 64 };
    k.slack = c->f->fast & TG_FAST_APPROX ? APPROXIMATE : 1;
    k.tiny = smallest_of(t);
    if (c->f->fast & TG_FAST_FTZ && tg_dtype_real(t) == TG_F32) {
        k.tiny = 0x1p-126;
    }
    k.largest = is_integer(t) ? 0 : largest_of(t);
    return k;
}

/* One element whose value or bound is beyond the dtype's finite range. */
static void finish_one(const kernel_facts *k, const chunk *r, const chunk *x, int64_t at) {
    for (int j = 0; j < k->n_operands; j++) {
        if (!(x[j].e[at] < INFINITY)) {
            r->e[at] = INFINITY;
            return;
        }
    }
    if (r->e[at] == UNSURE) {
        r->e[at] = INFINITY;
    } else if (!(fabs(r->f[at]) < INFINITY)) {
        r->e[at] = r->g && r->e[at] >= 0 ? r->e[at] : 0; /* the class is certain; an imaginary part may have a bound */
    } else if (fabs(r->f[at]) - r->e[at] > k->largest * (1 + k->unit)) {
        r->f[at] = copysign(INFINITY, r->f[at]);
        r->e[at] = 0;
    } else {
        r->e[at] = INFINITY;
    }
}

WIDE static int64_t count_beyond(double largest, int64_t n, const double *f, const double *e) {
    int64_t beyond = 0;
    for (int64_t k = 0; k < n; k++) {
        beyond += !(fabs(f[k]) + e[k] <= largest) | !(e[k] >= 0);
    }
    return beyond;
}

void finish_errors(const kernel_facts *k, int64_t n, const chunk *r, const chunk *x) {
    if (!count_beyond(k->largest, n, r->f, r->e)) {
        return;
    }
    for (int64_t at = 0; at < n; at++) {
        if (!(fabs(r->f[at]) + r->e[at] <= k->largest) || !(r->e[at] >= 0)) {
            finish_one(k, r, x, at);
        }
    }
}

static bool is_conversion(tg_opcode op) {
    switch ((int)op) {
    case TG_OP_CMP:
    case TG_OP_SELECT:
    case TG_OP_CAST:
    case TG_OP_BITCAST:
    case TG_OP_ISNAN:
    case TG_OP_ISINF:
    case TG_OP_ISFINITE:
    case TG_OP_SIGNBIT:
    case TG_OP_CPLX:
    case TG_OP_RE:
    case TG_OP_IM:
    case TG_OP_BROADCAST:
        return true;
    default:
        return false;
    }
}

static kernel_entry kernel_of(const tg_op *op, tg_dtype first) {
    if (is_conversion(op->opcode)) {
        return convert_kernel(op->opcode);
    }
    if (is_complex(first)) {
        return complex_kernel(op->opcode);
    }
    if (is_integer(first)) {
        return int_kernel(op->opcode);
    }
    kernel_entry e = float_kernel(op->opcode);
    return e.value ? e : math_kernel(op->opcode);
}

static void merge_flags(int n_operands, int64_t n, const chunk *r, const chunk *x) {
    memset(r->q, 0, (size_t)n);
    for (int j = 0; j < n_operands; j++) {
        for (int64_t k = 0; k < n; k++) {
            r->q[k] |= x[j].q[k];
        }
    }
}

static void run_chunk(const kernel_entry *e, const kernel_facts *k, int64_t n, const chunk *r,
                      const chunk *x) {
    if (r->q) {
        merge_flags(k->n_operands, n, r, x);
    }
    e->value(k, n, r, x);
    if (r->i) {
        return;
    }
    if (!k->ideal) {
        if (!e->exact) {
            round_array(k->dtype, r->f, n);
            if (r->g) {
                round_array(k->dtype, r->g, n);
            }
        }
        return;
    }
    if (r->e && e->error) {
        e->error(k, n, r, x);
        finish_errors(k, n, r, x);
    }
}

static kernel_facts facts_of_op(interp *c, const tg_op *op, bool *needs_errors) {
    kernel_facts k = facts_of(c, tg_result(op, 0)->type->dtype);
    k.opcode = op->opcode;
    k.n_operands = op->n_operands;
    if (op->opcode == TG_OP_DIV && c->f->fast & (TG_FAST_RECIP | TG_FAST_APPROX)) {
        k.unit *= 4; /* a product with a reciprocal */
    }
    k.from = tg_operand(op, 0)->type->dtype;
    k.pred = op->opcode == TG_OP_CMP ? tg_op_enum(op, TG_ATTR_PRED, TG_EQ) : TG_ENUM_NONE;
    for (uint32_t j = 0; j < op->n_operands; j++) {
        const tile *t = operand(c, op, j);
        k.has_errors |= t->e || t->q;
    }
    /* Integers stay certain unless an operand is not; float results may always be inexact, except copies. */
    bool copies = op->opcode == TG_OP_BROADCAST || op->opcode == TG_OP_SELECT;
    *needs_errors = c->ideal && (k.has_errors || (!is_integer(k.dtype) && !copies));
    return k;
}

void exec_elementwise(interp *c, const tg_op *op) {
    enum { MAX_OPERANDS = 4 };
    const tg_type *type = tg_result(op, 0)->type;
    bool needs_errors;
    kernel_facts k = facts_of_op(c, op, &needs_errors);
    kernel_entry e = kernel_of(op, op->opcode == TG_OP_SELECT ? type->dtype : k.from);
    if (!e.value || op->n_operands > MAX_OPERANDS) {
        interp_fail(c, TG_ERROR_UNSUPPORTED, "the interpreter has no %s on %s",
                    tg_op_info_of(op->opcode)->mnemonic, tg_dtype_name(k.from));
    }
    shape s = shape_of_op(c, op, type);
    tile *r = tile_new(c, type->dtype, &s, needs_errors);
    stream in[MAX_OPERANDS];
    chunk_store store[MAX_OPERANDS];
    for (uint32_t j = 0; j < op->n_operands; j++) {
        stream_init(&in[j], operand(c, op, j), tg_operand(op, j)->type, &s, &store[j]);
    }
    chunk x[MAX_OPERANDS] = {{0}};
    for (int64_t at = 0; at < r->n; at += CHUNK) {
        int64_t n = r->n - at < CHUNK ? r->n - at : CHUNK;
        for (uint32_t j = 0; j < op->n_operands; j++) {
            x[j] = stream_next(&in[j], n);
        }
        chunk out = chunk_of(r, at);
        run_chunk(&e, &k, n, &out, x);
    }
    set_slot(c, tg_result(op, 0), r);
}
