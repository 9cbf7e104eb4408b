/* The value of a tile at a point. Evaluation is pulled: roots ask for values, values ask for their operands, each once
 * per frame (memo) and as far out as its axes allow.
 *
 *   loop over i            frame F1 binds i         exp(m[i]) is evaluated here, before the loop over j
 *     loop over j          frame F2 binds j (vector) x[i,j] - m[i] here
 *
 * Indexing a tile (REINDEX) is evaluation in a frame that binds the axis to another index; lanes that fall outside are
 * masked there, so loads behind it stay safe. Read access.c next. */
#include "targets/x86/memory/memory.h"
#include "targets/x86/nest/nest.h"
#include "targets/x86/ops/ops.h"

tg_x86_frame *tg_x86_frame_create(tg_x86 *x, tg_x86_frame *parent, tg_x86_place *place) {
    tg_x86_frame *f = TG_NEW(x->arena, tg_x86_frame);
    f->parent = parent;
    f->place = place;
    f->mask = parent ? parent->mask : NULL;
    f->memo = tg_map_create(x->arena);
    return f;
}

void tg_x86_frame_bind(tg_x86_frame *f, tg_axis *a, tg_x86_val index) {
    f->axes[f->n_axes] = a;
    f->index[f->n_axes++] = index;
}

static LLVMValueRef both(tg_x86 *x, LLVMValueRef a, LLVMValueRef b) {
    if (!a || !b) {
        return a ? a : b;
    }
    unsigned lanes = tg_llvm_lanes(a) > tg_llvm_lanes(b) ? tg_llvm_lanes(a) : tg_llvm_lanes(b);
    return LLVMBuildAnd(x->builder, tg_llvm_splat(x->l, a, lanes), tg_llvm_splat(x->l, b, lanes), "");
}

void tg_x86_frame_mask(tg_x86 *x, tg_x86_frame *f, LLVMValueRef mask) {
    f->mask = both(x, f->mask, mask);
}

const tg_x86_val *tg_x86_frame_index(const tg_x86_frame *f, const tg_axis *a) {
    for (; f; f = f->parent) {
        for (uint32_t i = 0; i < f->n_axes; i++) {
            if (f->axes[i] == a) {
                return &f->index[i];
            }
        }
    }
    return NULL;
}

tg_x86_frame *tg_x86_frame_of(tg_x86_frame *f, const tg_type *type) {
    while (f->parent) {
        for (uint32_t i = 0; i < f->n_axes; i++) {
            if (tg_type_has_axis(type, f->axes[i])) {
                return f;
            }
        }
        f = f->parent;
    }
    return f;
}

void tg_x86_memo(tg_x86 *x, tg_x86_frame *f, tg_value *v, tg_x86_val val) {
    tg_map_set(f->memo, v, TG_COPY_ARRAY(x->arena, tg_x86_val, &val, 1));
}

tg_x86_val tg_x86_plain(tg_x86 *x, tg_x86_val v) {
    if (!v.step) {
        return v;
    }
    LLVMBuilderRef b = x->builder;
    LLVMValueRef ids = tg_llvm_lane_ids(x->l, x->lanes), step = tg_llvm_splat(x->l, v.step, x->lanes);
    LLVMValueRef base = tg_llvm_splat(x->l, v.v, x->lanes);
    return (tg_x86_val){LLVMBuildAdd(b, base, LLVMBuildMul(b, ids, step, ""), ""), NULL, NULL};
}

LLVMValueRef tg_x86_vector(tg_x86 *x, tg_x86_val v) {
    return tg_llvm_splat(x->l, tg_x86_plain(x, v).v, x->lanes);
}

/* first <= index < first + size, as one unsigned comparison */
LLVMValueRef tg_x86_in_range(tg_x86 *x, const tg_axis *a, tg_x86_val index) {
    const tg_x86_range *r = &x->ranges[a->rank];
    LLVMValueRef v = tg_x86_plain(x, index).v;
    unsigned lanes = tg_llvm_lanes(v);
    LLVMValueRef rel = LLVMBuildSub(x->builder, v, tg_llvm_splat(x->l, r->first, lanes), "");
    return LLVMBuildICmp(x->builder, LLVMIntULT, rel, tg_llvm_splat(x->l, r->size, lanes), "");
}

tg_x86_frame *tg_x86_frame_of_value(tg_x86_frame *f, const tg_value *v) {
    const tg_block *block = v->def ? v->def->parent : v->block;
    tg_x86_frame *at = tg_x86_frame_of(f, v->type);
    for (; f != at; f = f->parent) {
        if (f->loop && &f->loop->regions[0].body == block) {
            return f;
        }
    }
    return at;
}

static LLVMValueRef choose(tg_x86 *x, LLVMValueRef test, LLVMValueRef a, LLVMValueRef b) {
    unsigned lanes = tg_llvm_lanes(test);
    lanes = tg_llvm_lanes(a) > lanes ? tg_llvm_lanes(a) : lanes;
    lanes = tg_llvm_lanes(b) > lanes ? tg_llvm_lanes(b) : lanes;
    return LLVMBuildSelect(x->builder, tg_llvm_splat(x->l, test, lanes), tg_llvm_splat(x->l, a, lanes),
                           tg_llvm_splat(x->l, b, lanes), "");
}

static tg_x86_val select_val(tg_x86 *x, LLVMValueRef test, tg_x86_val a, tg_x86_val b) {
    a = tg_x86_plain(x, a);
    b = tg_x86_plain(x, b);
    tg_x86_val out = {choose(x, test, a.v, b.v), NULL, NULL};
    out.im = a.im ? choose(x, test, a.im, b.im) : NULL;
    return out;
}

static tg_x86_val zero_val(tg_x86 *x, tg_dtype t) {
    LLVMValueRef zero = LLVMConstNull(tg_x86_reg_type(x, t));
    return (tg_x86_val){zero, NULL, tg_dtype_kind_of(t) == TG_KIND_COMPLEX ? zero : NULL};
}

static tg_x86_val eval_reindex(tg_x86 *x, tg_x86_frame *f, tg_op *op) {
    const tg_attr *axes = tg_op_attr(op, TG_ATTR_AXES);
    tg_x86_frame *at = tg_x86_frame_create(x, f, f->place);
    LLVMValueRef inside = NULL;
    for (uint32_t i = 0; i < axes->n_axes; i++) {
        tg_value *index = tg_operand(op, 1 + i);
        tg_x86_val e = tg_x86_eval(x, f, index);
        tg_x86_frame_bind(at, axes->axes[i], e);
        if (!tg_x86_proved_inside(x, axes->axes[i], index)) {
            inside = both(x, inside, tg_x86_in_range(x, axes->axes[i], e));
        }
    }
    tg_x86_frame_mask(x, at, inside);
    tg_x86_val v = tg_x86_eval(x, at, tg_operand(op, 0));
    bool has_else = tg_op_flag(op, TG_ATTR_ELSE);
    tg_x86_val other = has_else ? tg_x86_eval(x, f, tg_operand(op, 1u + axes->n_axes))
                                : zero_val(x, tg_result(op, 0)->type->dtype);
    return inside ? select_val(x, inside, v, other) : v;
}

static tg_x86_val eval_elementwise(tg_x86 *x, tg_x86_frame *f, tg_op *op) {
    tg_x86_val args[4], quotient;
    if (tg_x86_eval_decided(x, f, op, &quotient) || tg_x86_eval_clamped(x, f, op, &quotient) || tg_x86_eval_quotient(x, f, op, &quotient) || tg_x86_eval_shared_quotient(x, f, op, &quotient)) {
        return quotient;
    }
    tg_dtype from[4];
    if (op->n_operands > 4) {
        tg_x86_refuse(x, op, "has too many operands");
    }
    for (uint32_t i = 0; i < op->n_operands; i++) {
        args[i] = tg_x86_eval(x, f, tg_operand(op, i));
        from[i] = tg_operand(op, i)->type->dtype;
    }
    tg_x86_val *known = tg_map_get(f->memo, tg_result(op, 0)); /* the last operand may have gone on to it */
    return known && x->eager ? *known : tg_x86_apply(x, op, tg_result(op, 0)->type->dtype, from, args, op->n_operands);
}

static tg_x86_val eval_map(tg_x86 *x, tg_x86_frame *f, tg_op *op, uint32_t result) {
    tg_x86_val args[16], out[16];
    if (op->n_operands > 16 || op->n_results > 16) {
        tg_x86_refuse(x, op, "has too many operands");
    }
    for (uint32_t i = 0; i < op->n_operands; i++) {
        args[i] = tg_x86_plain(x, tg_x86_eval(x, f, tg_operand(op, i)));
    }
    tg_x86_inline_region(x, &op->regions[0], args, out, f->mask);
    for (uint32_t i = 0; i < op->n_results; i++) {
        tg_x86_memo(x, f, tg_result(op, i), out[i]);
    }
    return out[result];
}

tg_x86_val tg_x86_eval_def(tg_x86 *x, tg_x86_frame *f, tg_value *v) {
    tg_op *op = v->def;
    switch ((int)op->opcode) {
    case TG_OP_CONST:
        return tg_x86_const(x, op);
    case TG_OP_IOTA:
        return *tg_x86_frame_index(f, tg_op_axis(op, TG_ATTR_AXIS));
    case TG_OP_LOAD:
        return tg_x86_load_tensor(x, f, op);
    case TG_OP_REINDEX:
        return eval_reindex(x, f, op);
    case TG_OP_MAP:
    case TG_OP_ASM:
        return eval_map(x, f, op, v->index);
    case TG_OP_PHILOX:
        return tg_x86_philox(x, f, op, v->index);
    case TG_OP_AXIS_FIRST:
    case TG_OP_AXIS_SIZE:
    case TG_OP_AXIS_BLOCK:
    case TG_OP_AXIS_COUNT:
    case TG_OP_DIM:
    case TG_OP_STRIDE:
        tg_x86_emit_scalar(x, op);
        return (tg_x86_val){x->scalars[v->id], NULL, NULL};
    default:
        if (!tg_op_is_elementwise(op->opcode)) {
            tg_x86_refuse(x, op, "cannot be evaluated at a point");
        }
        return eval_elementwise(x, f, op);
    }
}

tg_x86_place *tg_x86_move_to(tg_x86 *x, tg_x86_place *to) {
    tg_x86_place *from = x->place;
    if (to != from) {
        from->at = LLVMGetInsertBlock(x->builder);
        LLVMPositionBuilderAtEnd(x->builder, to->at);
        x->place = to;
    }
    return from;
}

tg_x86_val tg_x86_eval(tg_x86 *x, tg_x86_frame *f, tg_value *v) {
    if (x->local) {
        tg_x86_val *known = tg_map_get(x->local, v);
        if (known) {
            return *known;
        }
    }
    if (v->type->n_axes == 0) {
        tg_x86_val s = {tg_x86_scalar_of(x, v), NULL, x->scalars_im[v->id]};
        return s;
    }
    tg_x86_frame *at = tg_x86_frame_of_value(f, v);
    tg_x86_val *known = tg_map_get(at->memo, v);
    if (known) {
        return *known;
    }
    tg_x86_place *back = tg_x86_move_to(x, at->place);
    void *location = v->def ? tg_x86_debug_enter(x, v->def) : NULL;
    tg_x86_buffer *b = x->buffers[v->id];
    tg_op *stored = b ? NULL : tg_x86_read_back(x, v);
    tg_x86_val out = b ? tg_x86_buffer_load(x, at, b) : stored ? tg_x86_load_back(x, at, stored) : v->def ? tg_x86_eval_def(x, at, v) : (tg_x86_val){NULL, NULL, NULL};
    if (!out.v) {
        tg_x86_refuse(x, v->def, "uses a tile that has no place");
    }
    if (v->def) {
        tg_x86_debug_leave(x, location);
    }
    tg_x86_move_to(x, back);
    tg_x86_memo(x, at, v, out);
    tg_x86_eager_go_on(x, f, v);
    return out;
}
