/* Bounds. Idea: for every access and dimension, prove 0 <= index < extent with dsl/ir/range.h
 * and set the bit in `in_bounds`. A target omits the checks of proved dimensions; nothing
 * else changes. Bits are only added. Terminates: one walk. */
#include "dsl/ir/range.h"
#include "dsl/passes/passes.h"

typedef struct bounds {
    tg_func *f;
    tg_facts facts;
    bool changed;
} bounds;

/* The domains of the loops around `op` are not empty, or it would not run: what indices that wrap round or stop at an edge depend on. */
static void assume_domains(bounds *b, const tg_op *op) {
    for (op = op->parent->parent->parent; op; op = op->parent->parent->parent) {
        tg_affine extent;
        bool loops = op->opcode == TG_OP_PAR || op->opcode == TG_OP_FOR;
        if (loops && tg_affine_with_opaque(b->f->arena, tg_operand(op, 0), &extent) && !tg_affine_is_constant(&extent)) {
            extent.constant--;
            tg_vec_push(b->f->arena, &b->facts.nonneg, extent);
        }
    }
}

static bool is_limited(const tg_value *index) {
    return index->def && (index->def->opcode == TG_OP_MIN || index->def->opcode == TG_OP_MAX || index->def->opcode == TG_OP_REM);
}

static bool is_inside(bounds *b, const tg_op *op, uint32_t d) {
    uint32_t known = b->facts.nonneg.len;
    if (is_limited(tg_op_index(op, d))) {
        assume_domains(b, op);
    }
    bool inside = tg_prove_in_bounds(b->f->arena, &b->facts, tg_op_index(op, d), tg_operand(op, 0), d);
    b->facts.nonneg.len = known;
    return inside;
}

static void visit_access(tg_op *op, void *user) {
    bounds *b = user;
    bool access = op->opcode == TG_OP_LOAD || op->opcode == TG_OP_STORE ||
                  op->opcode == TG_OP_ATOMIC || op->opcode == TG_OP_CAS;
    if (!access) {
        return;
    }
    int64_t before = tg_op_int(op, TG_ATTR_IN_BOUNDS, 0), bits = before;
    for (uint32_t d = 0; d < tg_op_n_indices(op); d++) {
        bool known = bits >> d & 1;
        if (!known && is_inside(b, op, d)) {
            bits |= INT64_C(1) << d;
        }
    }
    if (bits != before) {
        tg_op_set_attr(b->f, op, tg_attr_int(TG_ATTR_IN_BOUNDS, bits));
        b->changed = true;
    }
}

bool tg_pass_bounds(tg_func *f) {
    bounds b = {.f = f};
    tg_facts_gather(&b.facts, f, f->arena);
    tg_ir_walk(f, visit_access, &b);
    return b.changed;
}
