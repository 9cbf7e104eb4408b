/* Atomic operations that nobody can meet.
 *
 * A relaxed atomic operation is about other instances of its phase. It is a plain read, change and write where none runs beside it that
 * could touch the same element:
 *
 *   one thread or one task          no instance runs beside another
 *   atomic dE[ids[t], d] += …       instances with other columns d have other elements: all those of one block of d are one task, which
 *                                   runs them one after the other, and tasks never meet. (`by` is d's binder; it becomes the outermost.)
 *
 * So there are two forms of the task function, with plain operations and with locked ones, and the entry chooses. Plain ones
 * run in vector lanes along an axis whose points are different elements (vector.c). */
#include "targets/x86/grid.h"
#include "targets/x86/memory/memory.h"

bool tg_x86_is_plain_atomic(const tg_x86 *x, const tg_op *op) {
    return x->alone && op->opcode == TG_OP_ATOMIC;
}

bool tg_x86_is_relaxed(const tg_op *op) {
    return op->opcode == TG_OP_ATOMIC && tg_op_enum(op, TG_ATTR_ORDER, TG_RELAXED) == TG_RELAXED && tg_op_enum(op, TG_ATTR_SCOPE, TG_DEVICE) == TG_DEVICE;
}

typedef struct atomics {
    tg_arena *arena;
    TG_VEC(tg_op *) list;
    bool relaxed;
} atomics;

static void note_atomic(tg_op *op, void *user) {
    atomics *a = user;
    if (op->opcode == TG_OP_ATOMIC || op->opcode == TG_OP_CAS) {
        tg_vec_push(a->arena, &a->list, op);
        a->relaxed = a->relaxed && tg_x86_is_relaxed(op);
    }
}

/* Is the index that of the binder, and nothing else? */
static bool is_bound_by(const tg_value *index, const tg_op *par) {
    return tg_op_is_each(par) ? index == par->regions[0].body.args[0] : tg_x86_axis_of(index) == tg_op_axis(par, TG_ATTR_AXIS);
}

/* The dimensions in which all operations on the tensor of `op` are indexed by the binder. */
static uint32_t own_dimensions(const atomics *a, const tg_op *op, const tg_op *par) {
    uint32_t own = UINT32_MAX;
    for (uint32_t i = 0; i < a->list.len; i++) {
        const tg_op *other = a->list.data[i];
        for (uint32_t d = 0; d < tg_op_n_indices(other) && tg_operand(other, 0) == tg_operand(op, 0); d++) {
            own &= is_bound_by(tg_op_index(other, d), par) ? UINT32_MAX : ~(1u << d);
        }
    }
    return own & ((1u << tg_op_n_indices(op)) - 1);
}

/* Parameters and temporaries do not overlap; tensors made of addresses may. */
bool tg_x86_is_distinct(const tg_value *tensor) {
    return !tensor->def || tensor->def->opcode == TG_OP_TEMP;
}

static bool keeps_apart(const atomics *a, const tg_op *par) {
    bool apart = true;
    for (uint32_t i = 0; i < a->list.len && apart; i++) {
        const tg_op *op = a->list.data[i];
        apart = tg_x86_is_distinct(tg_operand(op, 0)) && own_dimensions(a, op, par) != 0;
    }
    return apart;
}

void tg_x86_find_apart(tg_x86 *x, tg_op *phase, tg_x86_grid_par *pars, uint32_t n, tg_x86_apart *out) {
    atomics a = {.arena = x->arena, .relaxed = true};
    tg_ir_walk_region(&phase->regions[0], note_atomic, &a);
    *out = (tg_x86_apart){.may = a.list.len > 0 && a.relaxed};
    for (uint32_t i = 0; i < n && out->may && !out->by; i++) {
        out->by = keeps_apart(&a, pars[i].op) ? &pars[i] : NULL;
    }
}

LLVMValueRef tg_x86_is_apart(tg_x86 *x, const tg_x86_apart *a, LLVMValueRef threads, LLVMValueRef total) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef one = tg_llvm_i64(x->l, 1), enough = a->by ? a->by->count : one;
    LLVMValueRef apart = LLVMBuildICmp(b, LLVMIntSGE, enough, threads, "");
    return LLVMBuildOr(b, apart, LLVMBuildICmp(b, LLVMIntSLE, total, one, ""), "");
}
