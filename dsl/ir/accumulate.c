/* Loops that accumulate: each carried value only takes part in `x = x op …`, so that parts of the loop can run apart. */
#include "dsl/ir/ir.h"

static uint32_t count_uses(const tg_value *v) {
    uint32_t n = 0;
    for (const tg_use *u = v->uses; u; u = u->next) {
        n++;
    }
    return n;
}

/* The operation as one of ADD MUL MIN MAX AND OR XOR, if `v` takes part in it that way; COUNT if not. */
static tg_opcode kind_of(const tg_op *op, const tg_value *v) {
    switch ((int)op->opcode) {
    case TG_OP_ADD:
    case TG_OP_MUL:
    case TG_OP_MIN:
    case TG_OP_MAX:
    case TG_OP_AND:
    case TG_OP_OR:
    case TG_OP_XOR:
        return op->opcode;
    case TG_OP_DOT:
    case TG_OP_FMA:
        return op->n_operands == 3 && tg_operand(op, 2) == v ? TG_OP_ADD : TG_OP_COUNT;
    default:
        return TG_OP_COUNT;
    }
}

/* One step along the chain: the operation that `v` takes part in and what comes out of it. A nested loop that starts with `v`
 * and only accumulates is a step as well. Null: something else. */
static const tg_value *step_of(const tg_op *user, const tg_value *v, tg_opcode *op) {
    if (user->opcode == TG_OP_FOR) {
        uint32_t at = 3;
        while (at < user->n_operands && tg_operand(user, at) != v) {
            at++;
        }
        bool accumulates = at < user->n_operands && tg_loop_accumulation(user, at - TG_FOR_CARRIED, op);
        return accumulates ? tg_result(user, at - TG_FOR_CARRIED) : NULL;
    }
    if (user->n_results != 1) {
        return NULL;
    }
    *op = user->opcode == TG_OP_BROADCAST ? *op : kind_of(user, v);
    return *op != TG_OP_COUNT || user->opcode == TG_OP_BROADCAST ? tg_result(user, 0) : NULL;
}

bool tg_loop_accumulation(const tg_op *loop, uint32_t i, tg_opcode *op) {
    const tg_block *body = &loop->regions[0].body;
    const tg_op *yield = body->last;
    uint32_t at = tg_region_first_carried(loop) + i;
    if (!yield || yield->opcode != TG_OP_YIELD || at >= body->n_args ||
        i >= yield->n_operands) {
        return false;
    }
    const tg_value *v = body->args[at], *end = tg_operand(yield, i);
    *op = TG_OP_COUNT;
    for (int steps = 0; steps < 64 && v != end; steps++) {
        const tg_op *user = count_uses(v) == 1 ? v->uses->user : NULL;
        tg_opcode kind = *op;
        v = user && user->parent == body ? step_of(user, v, &kind) : NULL;
        if (!v || (*op != TG_OP_COUNT && kind != *op)) { /* (x + a) * b is no accumulation */
            return false;
        }
        *op = kind;
    }
    return v == end && *op != TG_OP_COUNT && count_uses(v) == 1;
}
