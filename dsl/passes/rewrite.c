/* Shared helpers of the passes; see rewrite.h. */
#include "dsl/passes/rewrite.h"

tg_builder rewrite_builder(tg_func *f, tg_op *before) {
    return (tg_builder){
        .func = f, .block = before->parent, .before = before, .span = before->span};
}

tg_op *rewrite_terminator(const tg_block *block) {
    tg_op *last = block->last;
    return last && tg_op_is_terminator(last) ? last : NULL;
}

static tg_op *parent_of(const tg_op *op) {
    return op->parent->parent->parent;
}

tg_op *rewrite_phase_of(const tg_op *op) {
    tg_op *p = parent_of(op);
    while (p && p->opcode != TG_OP_PHASE) {
        p = parent_of(p);
    }
    return p;
}

bool rewrite_is_inside(const tg_op *inner, const tg_op *outer) {
    const tg_op *p = parent_of(inner);
    while (p && p != outer) {
        p = parent_of(p);
    }
    return p == outer;
}

bool rewrite_is_pure(const tg_op *op) {
    return tg_op_info_of(op->opcode)->effect == TG_EFF_NONE && op->n_regions == 0 &&
           op->opcode != TG_OP_TEMP;
}

/* ---- written tensors -------------------------------------------------------------------- */

/* All tensors made from addresses share one key: they may overlap. */
static const void *alias_class(const rewrite_writes *w, const tg_value *tensor) {
    return tensor->def && tensor->def->opcode == TG_OP_TENSOR ? (const void *)w->func
                                                              : (const void *)tensor;
}

static void gather_writes(const rewrite_writes *w, const tg_block *block, tg_map *out) {
    for (const tg_op *op = block->first; op; op = op->next) {
        tg_effect effect = tg_op_info_of(op->opcode)->effect;
        if ((effect == TG_EFF_WRITE || effect == TG_EFF_ATOMIC) && op->n_operands) {
            tg_map_set(out, alias_class(w, tg_operand(op, 0)), w->func);
        }
        for (uint32_t r = 0; r < op->n_regions; r++) {
            gather_writes(w, &op->regions[r].body, out);
        }
    }
}

void rewrite_writes_init(rewrite_writes *w, tg_func *f) {
    *w = (rewrite_writes){.func = f, .phases = tg_map_create(f->arena)};
}

bool rewrite_is_written(rewrite_writes *w, tg_op *phase, const tg_value *tensor) {
    const void *key = phase ? (const void *)phase : (const void *)w->func;
    tg_map *written = tg_map_get(w->phases, key);
    if (!written) {
        written = tg_map_create(w->func->arena);
        gather_writes(w, phase ? &phase->regions[0].body : &w->func->body.body, written);
        tg_map_set(w->phases, key, written);
    }
    return tg_map_has(written, alias_class(w, tensor));
}

/* ---- fewer results ---------------------------------------------------------------------- */

static void move_body(tg_block *from, tg_block *to) {
    to->first = from->first;
    to->last = from->last;
    for (tg_op *op = to->first; op; op = op->next) {
        op->parent = to;
    }
    from->first = from->last = NULL;
}

static void trim_yield(tg_func *f, tg_block *block, const bool *keep, uint32_t n) {
    tg_op *old = rewrite_terminator(block);
    tg_value **kept = TG_NEW_ARRAY(f->arena, tg_value *, n + 1);
    uint32_t m = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (keep[i]) {
            kept[m++] = tg_operand(old, i);
        }
    }
    tg_builder b = rewrite_builder(f, old);
    tg_build_yield(&b, kept, m);
    tg_op_erase(old);
}

/* Moves region r over; FOR: its carried arguments that stay become arguments of the new
 * block. */
static void move_region(tg_func *f, tg_op *from, tg_op *to, uint32_t r, const bool *keep) {
    tg_block *old = &from->regions[r].body, *new = &to->regions[r].body;
    uint32_t first = from->opcode == TG_OP_FOR ? tg_region_first_carried(from) : 0;
    for (uint32_t i = 0; i < old->n_args; i++) {
        if (i < first || keep[i - first]) {
            tg_value *arg = tg_block_add_arg(f, new, old->args[i]->type, old->args[i]->name);
            tg_replace_uses(old->args[i], arg);
        }
    }
    move_body(old, new);
    if (from->n_results) {
        trim_yield(f, new, keep, from->n_results);
    }
}

tg_op *rewrite_keep_results(tg_func *f, tg_op *op, const bool *keep) {
    uint32_t fixed = op->n_operands - (op->opcode == TG_OP_FOR ? op->n_results : 0u), n = 0;
    tg_value **operands = TG_NEW_ARRAY(f->arena, tg_value *, op->n_operands + 1u);
    const tg_type **types = TG_NEW_ARRAY(f->arena, const tg_type *, op->n_results + 1u);
    for (uint32_t i = 0; i < fixed; i++) {
        operands[i] = tg_operand(op, i);
    }
    for (uint32_t i = 0; i < op->n_results; i++) {
        if (keep[i]) {
            if (op->opcode == TG_OP_FOR) {
                operands[fixed + n] = tg_operand(op, fixed + i);
            }
            types[n++] = op->results[i].type;
        }
    }
    tg_builder b = rewrite_builder(f, op);
    uint32_t n_operands = op->opcode == TG_OP_FOR ? fixed + n : fixed;
    tg_op *new =
        tg_build_op(&b, op->opcode, operands, n_operands, types, n, op->attrs, op->n_attrs);
    for (uint32_t i = 0, j = 0; i < op->n_results; i++) {
        if (keep[i]) {
            new->results[j].name = op->results[i].name;
            tg_replace_uses(&op->results[i], &new->results[j++]);
        }
    }
    for (uint32_t r = 0; r < op->n_regions; r++) {
        move_region(f, op, new, r, keep);
    }
    tg_op_erase(op);
    return new;
}
