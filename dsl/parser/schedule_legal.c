/* Which schedules keep the meaning: what may be split, which orders of a grid respect its domains. */
#include "dsl/parser/schedule_internal.h"

#include <string.h>

/* ---- accumulation -------------------------------------------------------------------------------------------------- */

static bool has_store(const tg_block *b) {
    for (const tg_op *op = b->first; op; op = op->next) {
        tg_effect effect = tg_op_info_of(op->opcode)->effect;
        if (effect == TG_EFF_WRITE || effect == TG_EFF_ATOMIC || effect == TG_EFF_IO) {
            return true;
        }
        for (uint32_t r = 0; r < op->n_regions; r++) {
            if (has_store(&op->regions[r].body)) {
                return true;
            }
        }
    }
    return false;
}

static const char *loop_reason(const tg_sched *s, const tg_op *loop) {
    const tg_block *body = &loop->regions[0].body;
    uint32_t first = tg_region_first_carried(loop);
    if (has_store(body)) {
        return "its loop stores";
    }
    for (uint32_t i = first; i < body->n_args; i++) {
        tg_opcode op;
        if (!tg_loop_accumulation(loop, i - first, &op)) {
            const char *name = body->args[i]->name;
            return tg_arena_printf(s->env->arena,
                                   "'%s' is carried from one iteration to the next in another "
                                   "way than `%s op= …` with an "
                                   "associative op",
                                   name ? name : "a value", name ? name : "x");
        }
    }
    return NULL;
}

/* A full axis: all that happens along it are reductions. */
static const char *full_axis_reason(const tg_axis *axis, const tg_block *b) {
    for (const tg_op *op = b->first; op; op = op->next) {
        if ((op->opcode == TG_OP_SORT || op->opcode == TG_OP_TOPK ||
             op->opcode == TG_OP_REINDEX || op->opcode == TG_OP_REINDEX_SET)) {
            for (uint32_t i = 0; i < op->n_operands; i++) {
                if (tg_type_has_axis(tg_operand(op, i)->type, axis)) {
                    return "it is sorted or indexed along";
                }
            }
        }
        if (op->opcode == TG_OP_STORE && tg_type_has_axis(tg_operand(op, 1)->type, axis)) {
            return "values are stored along it after a reduction over all of it";
        }
        for (uint32_t r = 0; r < op->n_regions; r++) {
            const char *reason = full_axis_reason(axis, &op->regions[r].body);
            if (reason) {
                return reason;
            }
        }
    }
    return NULL;
}

static bool any_reduction(const tg_axis *axis, const tg_block *b) {
    for (const tg_op *op = b->first; op; op = op->next) {
        if (tg_op_reduces_over(op, axis)) {
            return true;
        }
        for (uint32_t r = 0; r < op->n_regions; r++) {
            if (any_reduction(axis, &op->regions[r].body)) {
                return true;
            }
        }
    }
    return false;
}

const char *tg_sched_not_accumulating(const tg_sched *s, const tg_axis *axis) {
    if (axis->kind == TG_AXIS_GRID) {
        return "it is a grid axis: its blocks are instances already";
    }
    if (axis->kind == TG_AXIS_LOOP) {
        return axis->binder ? loop_reason(s, axis->binder) : "its loop is gone";
    }
    if (!any_reduction(axis, &s->func->body.body)) {
        return "nothing is reduced over it";
    }
    return full_axis_reason(axis, &s->func->body.body);
}

/* ---- order ------------------------------------------------------------------------------------------------------------ */

static int32_t position(const tg_tvalue *value, const tg_sched_place *p) {
    const char *name = tg_sched_place_name(p);
    for (uint32_t i = 0; i < value->n_items; i++) {
        if (value->items[i]->kind == TG_TV_NAME && strcmp(value->items[i]->name, name) == 0) {
            return (int32_t)i;
        }
    }
    return -1;
}

/* Does v depend on the index of an each binder? */
static bool depends_on(const tg_value *v, const tg_value *each, int depth) {
    if (v == each) {
        return true;
    }
    for (uint32_t i = 0; v->def && depth > 0 && i < v->def->n_operands; i++) {
        if (depends_on(tg_operand(v->def, i), each, depth - 1)) {
            return true;
        }
    }
    return false;
}

const char *tg_sched_bad_order(const tg_sched *s, const tg_tvalue *value) {
    for (uint32_t i = 0; i < s->places.len; i++) {
        const tg_sched_place *inner = &s->places.data[i];
        int32_t at = position(value, inner);
        for (uint32_t k = 0; at >= 0 && k < s->places.len; k++) {
            const tg_sched_place *outer = &s->places.data[k];
            if (!outer->each || position(value, outer) <= at ||
                inner->binder == outer->binder) {
                continue;
            }
            for (uint32_t d = 0; d < 3 && d < inner->binder->n_operands; d++) {
                if (depends_on(tg_operand(inner->binder, d), outer->each, 16)) {
                    return tg_arena_printf(
                        s->env->arena,
                        "the domain of '%s' depends on '%s', which must stay outside",
                        tg_sched_place_name(inner), tg_sched_place_name(outer));
                }
            }
        }
    }
    return NULL;
}
