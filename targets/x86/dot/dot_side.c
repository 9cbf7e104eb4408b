/* Operands of the fast dot path: where they are in memory, and packing where they cannot be read there. */
#include "base/abi.h"
#include "dsl/ir/affine.h"
#include "targets/x86/dot/dot.h"
#include "targets/x86/memory/memory.h"
#include "targets/x86/ops/ops.h"

enum { PREFETCH_LINES = 12, PREFETCH_BROAD = 4 };

static LLVMValueRef add(tg_dot_emission *e, LLVMValueRef a, LLVMValueRef b) {
    return LLVMBuildAdd(e->l->builder, a, b, "");
}

static LLVMValueRef mul(tg_dot_emission *e, LLVMValueRef a, LLVMValueRef b) {
    return LLVMBuildMul(e->l->builder, a, b, "");
}

static LLVMValueRef size_of(tg_dot_emission *e, const tg_axis *a) {
    return e->x->ranges[a->rank].size;
}

/* ---- in place --------------------------------------------------------------------------------------------- */

static bool is_plain_load(const tg_value *v, tg_dtype dtype) {
    const tg_op *op = v->def;
    return op && op->opcode == TG_OP_LOAD && v->type->dtype == dtype && !tg_op_attr(op, TG_ATTR_PART) &&
           tg_operand(op, 0)->type->dtype == dtype;
}

/* Proved, or left to the entry's test; only the fast variant may rely on that. `emit`: does. */
static bool is_inside(tg_x86 *x, const tg_op *op, uint32_t d, bool emit) {
    tg_value *extent;
    if (tg_op_int(op, TG_ATTR_IN_BOUNDS, 0) >> d & 1) {
        return true;
    }
    return emit ? tg_x86_checked_at_launch(x, op, d) : tg_x86_checkable_at_launch(op, d, &extent);
}

/* Every index inside and affine with at most one symbol per axis; `unit` moves the last index by 1 and no other. (It may move none: the index of a
 * dimension of stride 0 has become 0.) */
static bool is_strided(tg_x86 *x, const tg_op *op, const tg_axis *unit, bool emit) {
    uint32_t rank = tg_op_n_indices(op);
    bool moves = !unit;
    for (uint32_t d = 0; d < rank; d++) {
        tg_affine form;
        const tg_value *index = tg_op_index(op, d);
        if (!is_inside(x, op, d, emit) || !tg_affine_of(x->arena, index, &form)) {
            return false;
        }
        for (uint32_t i = 0; i < index->type->n_axes; i++) {
            int64_t c;
            tg_value *symbol;
            if (!tg_affine_axis_coeff(&form, index->type->axes[i], &c, &symbol)) {
                return false;
            }
            bool is_unit = d + 1 == rank && c == 1 && !symbol;
            if (index->type->axes[i] == unit && c != 0 && !is_unit) {
                return false;
            }
            moves = moves || (index->type->axes[i] == unit && is_unit);
        }
    }
    return moves;
}

static bool has_direct_buffer(tg_x86 *x, const tg_value *v, tg_dtype dtype, const tg_axis *unit) {
    const tg_x86_buffer *b = x->buffers[v->id];
    bool same = b && tg_x86_buf_type(x, b->dtype) == tg_x86_reg_type(x, dtype);
    return same && (!unit || (b->n_axes && b->axes[b->n_axes - 1] == unit));
}

/* Is `v` loaded from a tensor that the kernel does not write? */
static bool is_input(const tg_x86 *x, const tg_value *v) {
    const tg_value *tensor = v->def && v->def->opcode == TG_OP_LOAD ? tg_operand(v->def, 0) : NULL;
    for (uint32_t i = 0; tensor && i < x->f->n_params; i++) {
        if (x->f->params[i].value == tensor) {
            return x->f->params[i].kind == TG_FP_IN;
        }
    }
    return false;
}

bool tg_x86_dot_needs_no_buffer(tg_x86 *x, tg_value *v, tg_dtype dtype, const tg_axis *unit) {
    return is_input(x, v) && tg_x86_dot_may_stay(x, v, dtype, unit);
}

/* Is `v` read from its buffer? A copy that another dot wanted in another order is no reason to leave an input where it lies. */
static bool reads_buffer(tg_x86 *x, tg_value *v, tg_dtype dtype, const tg_axis *unit) {
    return x->buffers[v->id] && (has_direct_buffer(x, v, dtype, unit) || !is_input(x, v));
}

static bool is_direct(tg_x86 *x, tg_value *v, tg_dtype dtype, const tg_axis *unit, bool emit) {
    if (reads_buffer(x, v, dtype, unit)) {
        return has_direct_buffer(x, v, dtype, unit);
    }
    return is_plain_load(v, dtype) && (!unit || ((!emit || x->unit) && tg_x86_may_be_unit(tg_operand(v->def, 0)))) && is_strided(x, v->def, unit, emit);
}

bool tg_x86_dot_may_stay(tg_x86 *x, tg_value *v, tg_dtype dtype, const tg_axis *unit) {
    return is_plain_load(v, dtype) && tg_x86_may_be_unit(tg_operand(v->def, 0)) && is_strided(x, v->def, unit, false);
}

bool tg_x86_dot_is_direct(tg_x86 *x, tg_value *v, tg_dtype dtype, const tg_axis *unit) {
    return tg_x86_is_packed(x, v) || is_direct(x, v, dtype, unit, false);
}

static void set_step(tg_dot_emission *e, tg_dot_side *s, tg_axis *a, LLVMValueRef bytes) {
    for (uint32_t i = 0; i < s->n_axes; i++) {
        if (s->axes[i] == a) {
            s->step[i] = add(e, s->step[i], bytes);
            return;
        }
    }
    s->axes[s->n_axes] = a;
    s->step[s->n_axes++] = bytes;
}

static LLVMValueRef coefficient(tg_dot_emission *e, const tg_affine *form, const tg_axis *a) {
    int64_t c = 0;
    tg_value *symbol = NULL;
    tg_affine_axis_coeff(form, a, &c, &symbol);
    LLVMValueRef v = tg_llvm_i64(e->l, c);
    return symbol ? mul(e, v, tg_x86_scalar_of(e->x, symbol)) : v;
}

/* Address at the first index of every axis, and what one step along each axis adds. */
static void open_tensor(tg_dot_emission *e, tg_dot_side *s, tg_op *op, const tg_axis *unit) {
    tg_x86 *x = e->x;
    tg_x86_tensor *t = tg_x86_tensor_of(x, tg_operand(op, 0));
    tg_x86_frame *f = tg_x86_frame_create(x, x->root, x->place);
    const tg_type *type = s->value->type;
    for (uint32_t i = 0; i < type->n_axes; i++) {
        tg_x86_frame_bind(f, type->axes[i], (tg_x86_val){x->ranges[type->axes[i]->rank].first, NULL, NULL});
    }
    LLVMValueRef offset = tg_llvm_i64(e->l, 0), bytes = tg_llvm_i64(e->l, (int64_t)tg_dtype_size(t->dtype));
    for (uint32_t d = 0; d < t->rank; d++) {
        tg_value *index = tg_op_index(op, d);
        LLVMValueRef stride = mul(e, t->stride[d], bytes);
        offset = add(e, offset, mul(e, tg_x86_eval(x, f, index).v, stride));
        tg_affine form;
        tg_affine_of(x->arena, index, &form);
        for (uint32_t i = 0; i < index->type->n_axes; i++) {
            tg_axis *a = index->type->axes[i];
            set_step(e, s, a, a == unit ? bytes : mul(e, coefficient(e, &form, a), stride));
        }
    }
    if (unit) {
        tg_x86_note_unit(x, tg_operand(op, 0));
    }
    s->base = tg_llvm_gep(e->l, e->l->i8, t->base, offset);
}

static void open_buffer(tg_dot_emission *e, tg_dot_side *s, const tg_x86_buffer *b) {
    LLVMBuilderRef bl = e->l->builder;
    LLVMValueRef bytes = tg_llvm_i64(e->l, e->size);
    s->base = LLVMBuildLoad2(bl, e->l->ptr, b->pointer, "");
    for (uint32_t i = 0; i < b->n_axes; i++) {
        LLVMValueRef stride =
            b->stride[i] ? tg_llvm_i64(e->l, b->stride[i]) : LLVMBuildLoad2(bl, e->l->i64, b->slot[i], "");
        set_step(e, s, b->axes[i], mul(e, stride, bytes));
    }
}

void tg_x86_dot_side_open(tg_dot_emission *e, tg_dot_side *s, tg_value *v, const tg_axis *unit) {
    if (tg_x86_is_packed(e->x, v)) {
        *s = (tg_dot_side){.value = v, .direct = true, .packed = true};
        tg_x86_dot_open_packed(e, s, unit);
        return;
    }
    const tg_sched_item *pack = tg_x86_sched_pack(e->x, v);
    bool packed = pack && pack->integer;
    *s = (tg_dot_side){.value = v, .direct = !packed && e->d->group <= 1 && is_direct(e->x, v, e->d->dtype, unit, true)};
    if (pack && (packed || s->direct)) {
        tg_x86_sched_obey(e->x, pack);
    }
    if (!s->direct) {
        return;
    }
    if (!pack && v->def && v->def->opcode == TG_OP_LOAD) { /* without it rows stay in place, and columns if that pays */
        const char *target = tg_x86_offer_target(e->x, "pack", tg_operand(v->def, 0)->name);
        tg_x86_offer(e->x, target, "true");
        tg_x86_offer(e->x, unit ? target : NULL, "false");
    }
    if (reads_buffer(e->x, v, e->d->dtype, unit)) {
        open_buffer(e, s, e->x->buffers[v->id]);
    } else {
        open_tensor(e, s, v->def, unit);
    }
}

void tg_x86_dot_side_across(tg_dot_emission *e, tg_dot_side *s, tg_value *v) {
    *s = (tg_dot_side){.value = v, .direct = !tg_x86_sched_pack(e->x, v) && !e->x->buffers[v->id] && is_direct(e->x, v, e->d->dtype, NULL, true)};
    if (s->direct) {
        open_tensor(e, s, v->def, NULL);
    }
}

void tg_x86_dot_side_narrow(tg_dot_emission *e, tg_dot_side *s, tg_value *v, const tg_axis *unit) {
    tg_dtype t = v->type->dtype;
    bool narrow = t == TG_BF16 || t == TG_F16 || t == TG_I16 || t == TG_U16 || t == TG_I8 || t == TG_U8;
    *s = (tg_dot_side){.value = v};
    s->direct = narrow && !tg_x86_sched_pack(e->x, v) && !e->x->buffers[v->id] && is_direct(e->x, v, t, unit, true);
    if (s->direct) {
        open_tensor(e, s, v->def, unit);
    }
}

/* The axis of a plain load of two that is to lie innermost in its buffer, if memory has unit stride along the other one, `along`; else null. */
static tg_axis *axis_across(tg_x86 *x, tg_value *v, tg_axis **along) {
    tg_dtype t = v->type->dtype;
    bool words = (tg_dtype_size(t) == 4 || tg_dtype_size(t) == 8) && tg_dtype_kind_of(t) != TG_KIND_COMPLEX;
    tg_axis *a = words && v->type->n_axes == 2 ? tg_x86_dot_innermost(x, v, NULL) : NULL;
    *along = a ? v->type->axes[v->type->axes[0] == a] : NULL;
    bool strided = a && is_plain_load(v, t) && x->unit && tg_x86_may_be_unit(tg_operand(v->def, 0)) && is_strided(x, v->def, *along, true);
    return strided && tg_x86_buf_type(x, t) == tg_x86_reg_type(x, t) ? a : NULL;
}

bool tg_x86_dot_lay_across(tg_x86 *x, const tg_x86_nest *n) {
    const tg_x86_root *r = &n->roots.data[0];
    tg_axis *along, *a = NULL;
    if (n->roots.len == 1 && r->kind == TG_X86_ROOT_FILL && r->op && r->op->opcode == TG_OP_LOAD && !x->options->baseline) {
        a = axis_across(x, tg_result(r->op, 0), &along);
    }
    if (!a) {
        return false;
    }
    tg_value *v = tg_result(r->op, 0);
    tg_dot_emission e = {.x = x, .l = x->l, .size = (unsigned)tg_dtype_size(v->type->dtype)};
    tg_dot_side s = {.value = v};
    tg_x86_buffer *b = x->buffers[v->id] = x->buffers[v->id] ? x->buffers[v->id] : tg_x86_buffer_create(x, v->type, a);
    if (!b->stride[0]) { /* lines of any length */
        return false;
    }
    tg_x86_buffer_reserve(x, b);
    open_tensor(&e, &s, r->op, along);
    LLVMValueRef rows = size_of(&e, a), one = tg_llvm_i64(x->l, 1), to = LLVMBuildLoad2(x->builder, x->l->ptr, b->pointer, "");
    LLVMValueRef size = tg_llvm_i64(x->l, e.size);
    LLVMValueRef args[] = {to, s.base, tg_x86_dot_step(&e, &s, a), size, size_of(&e, along), rows, tg_llvm_min64(x->l, rows, one),
                           tg_llvm_i64(x->l, b->stride[0]), size};
    tg_x86_worker_call(x, offsetof(tg_worker, pack_tiles), args, 9); /* one tile, as high as the buffer's lines are long */
    return true;
}

LLVMValueRef tg_x86_dot_step(const tg_dot_emission *e, const tg_dot_side *s, const tg_axis *a) {
    for (uint32_t i = 0; i < s->n_axes; i++) {
        if (s->axes[i] == a) {
            return s->step[i];
        }
    }
    return tg_llvm_i64(e->l, 0);
}

/* ---- points of evaluation ------------------------------------------------------------------------------------ */

void tg_x86_dot_bind(tg_dot_emission *e, tg_axis *a, LLVMValueRef relative) {
    e->bound[e->n_bound] = a;
    e->index[e->n_bound++] = add(e, e->x->ranges[a->rank].first, relative);
}

tg_x86_frame *tg_x86_dot_frame(tg_dot_emission *e) {
    tg_x86_frame *f = tg_x86_frame_create(e->x, e->x->root, e->x->place);
    for (uint32_t i = 0; i < e->n_bound; i++) {
        if (i && i % 8 == 0) {
            f = tg_x86_frame_create(e->x, f, e->x->place);
        }
        tg_x86_frame_bind(f, e->bound[i], (tg_x86_val){e->index[i], NULL, NULL});
    }
    return f;
}

LLVMValueRef tg_x86_dot_lanes_below(tg_dot_emission *e, LLVMValueRef at, LLVMValueRef limit) {
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef left = LLVMBuildSub(b, limit, at, ""), most = tg_llvm_i64(e->l, e->lanes);
    left = LLVMBuildTrunc(b, tg_llvm_min64(e->l, left, most), e->l->i32, "");
    LLVMValueRef ids[64];
    for (unsigned i = 0; i < e->lanes; i++) {
        ids[i] = tg_llvm_i32(e->l, i);
    }
    return LLVMBuildICmp(b, LLVMIntSLT, LLVMConstVector(ids, e->lanes), tg_llvm_splat(e->l, left, e->lanes), "");
}

LLVMValueRef tg_x86_dot_points(tg_dot_emission *e, tg_axis *const *axes, uint32_t n) {
    LLVMValueRef v = tg_llvm_i64(e->l, 1);
    for (uint32_t i = 0; i < n; i++) {
        v = mul(e, v, size_of(e, axes[i]));
    }
    return v;
}

/* ---- scratch ---------------------------------------------------------------------------------------------------- */

tg_dot_scratch tg_x86_dot_scratch(tg_x86 *x) {
    tg_dot_scratch s = {tg_x86_alloca(x, x->l->ptr), tg_x86_alloca(x, x->l->i64)};
    LLVMBasicBlockRef here = LLVMGetInsertBlock(x->builder);
    LLVMPositionBuilderAtEnd(x->builder, x->instance_start);
    LLVMBuildStore(x->builder, LLVMConstNull(x->l->ptr), s.pointer);
    LLVMBuildStore(x->builder, tg_llvm_i64(x->l, 0), s.capacity);
    LLVMPositionBuilderAtEnd(x->builder, here);
    return s;
}

LLVMValueRef tg_x86_dot_reserve(tg_x86 *x, tg_dot_scratch *s, LLVMValueRef bytes) {
    LLVMValueRef have = LLVMBuildLoad2(x->builder, x->l->i64, s->capacity, "");
    tg_llvm_if c;
    tg_llvm_if_open(x->l, &c, LLVMBuildICmp(x->builder, LLVMIntSGT, bytes, have, ""));
    LLVMBuildStore(x->builder, tg_x86_worker_alloc(x, bytes), s->pointer);
    LLVMBuildStore(x->builder, bytes, s->capacity);
    tg_llvm_if_close(x->l, &c);
    return LLVMBuildLoad2(x->builder, x->l->ptr, s->pointer, "");
}

/* ---- packing ------------------------------------------------------------------------------------------------------- */

/* The operand at a frame in all lanes, as its registers hold it. */
static LLVMValueRef operand_at(tg_dot_emission *e, tg_x86_frame *f, tg_value *v) {
    return tg_llvm_splat(e->l, tg_x86_plain(e->x, tg_x86_eval(e->x, f, v)).v, e->lanes);
}

static LLVMValueRef only(tg_dot_emission *e, LLVMValueRef v, LLVMValueRef mask) {
    return mask ? LLVMBuildSelect(e->l->builder, mask, v, LLVMConstNull(LLVMTypeOf(v)), "") : v;
}

/* The operand at a frame as a vector of the accumulators' type; 0 in lanes that do not exist. */
static LLVMValueRef evaluate(tg_dot_emission *e, tg_x86_frame *f, tg_value *v, LLVMValueRef mask) {
    LLVMValueRef wide = tg_x86_convert(e->x, operand_at(e, f, v), v->type->dtype, e->d->dtype);
    return only(e, wide, mask);
}

/* `a` bound to lanes from `relative` on; mask null: all of them exist. */
static tg_x86_frame *lanes_frame(tg_dot_emission *e, tg_axis *a, LLVMValueRef relative, LLVMValueRef mask) {
    tg_x86_frame *f = tg_x86_frame_create(e->x, tg_x86_dot_frame(e), e->x->place);
    tg_x86_frame_bind(f, a, (tg_x86_val){add(e, e->x->ranges[a->rank].first, relative), tg_llvm_i64(e->l, 1), NULL});
    if (mask) {
        tg_x86_frame_mask(e->x, f, mask);
    }
    return f;
}

static void close_loops(tg_dot_emission *e, tg_llvm_loop *loops, uint32_t n) {
    while (n-- > 0) {
        tg_llvm_loop_close(e->l, &loops[n]);
    }
}

/* May positions past the last of an axis be computed, though nothing is read there? */
static bool is_affine_load(tg_x86 *x, const tg_value *v) {
    const tg_op *op = v->def;
    bool affine = op && op->opcode == TG_OP_LOAD && !x->buffers[v->id];
    for (uint32_t d = 0; affine && d < tg_op_n_indices(op); d++) {
        tg_affine form;
        affine = tg_affine_of(x->arena, tg_op_index(op, d), &form);
    }
    return affine;
}

/* The lines of a panel are far apart, each on a page of its own perhaps, which no hardware prefetcher foresees. The last reduction
 * axis, which is bound last, stands at point or group k. */
static void prefetch_line(tg_dot_emission *e, const tg_dot_side *s, const tg_dot_panels *p, LLVMValueRef k) {
    const tg_x86_dot *d = e->d;
    if ((d->group > 1 && p->n == 1) || !is_affine_load(e->x, s->value)) {
        return;
    }
    tg_axis *last = d->over[d->n_over - 1];
    LLVMValueRef next = add(e, k, tg_llvm_i64(e->l, p->n > 1 ? PREFETCH_BROAD : PREFETCH_LINES));
    for (unsigned i = 0; i < d->group; i++) {
        e->n_bound--;
        tg_x86_dot_bind(e, last, add(e, mul(e, next, tg_llvm_i64(e->l, d->group)), tg_llvm_i64(e->l, i)));
        tg_x86_prefetch_tensor(e->x, lanes_frame(e, d->vector, p->at, NULL), s->value->def, p->n * e->vecs * e->lanes);
    }
    e->n_bound--;
    tg_x86_dot_bind(e, last, k);
}

/* Words of the points of `a` from `at` on, at group k of the last reduction axis, which is bound last. Members past the end are read at the
 * last point and dropped. */
static LLVMValueRef group_at(tg_dot_emission *e, const tg_dot_side *s, tg_axis *a, LLVMValueRef at, LLVMValueRef k, LLVMValueRef mask) {
    const tg_x86_dot *d = e->d;
    tg_axis *last = d->over[d->n_over - 1];
    LLVMValueRef first = mul(e, k, tg_llvm_i64(e->l, d->group)), end = LLVMBuildSub(e->l->builder, size_of(e, last), tg_llvm_i64(e->l, 1), "");
    LLVMValueRef members[4];
    for (unsigned i = 0; i < d->group; i++) {
        e->n_bound--;
        tg_x86_dot_bind(e, last, tg_llvm_min64(e->l, add(e, first, tg_llvm_i64(e->l, i)), end));
        members[i] = only(e, operand_at(e, lanes_frame(e, a, at, mask), s->value), mask);
    }
    LLVMValueRef keep = tg_x86_dot_group_keep(e, LLVMBuildSub(e->l->builder, size_of(e, last), first, ""));
    return tg_x86_dot_group(e, members, s->value->type->dtype, keep);
}

/* A vector of columns from `column` on, which are members of groups or elements, at the point that is bound: group or point k of the last reduction
 * axis. `masked`: some or, but for the panel's first vector, all may not exist. */
static void pack_vector(tg_dot_emission *e, const tg_dot_side *s, const tg_dot_panels *p, LLVMValueRef column, LLVMValueRef k, bool masked, LLVMValueRef to) {
    tg_llvm *l = e->l;
    tg_llvm_if c;
    bool may_miss = masked && column != p->at;
    LLVMValueRef mask = masked ? tg_x86_dot_lanes_below(e, column, p->limit) : NULL;
    if (may_miss) {
        tg_llvm_store(l, LLVMConstNull(e->vector), to, e->size);
        tg_llvm_if_open(l, &c, LLVMBuildICmp(l->builder, LLVMIntSLT, column, p->limit, ""));
    }
    tg_llvm_store(l, e->d->group > 1 ? group_at(e, s, e->d->vector, column, k, mask) : evaluate(e, lanes_frame(e, e->d->vector, column, mask), s->value, mask), to, e->size);
    if (may_miss) {
        tg_llvm_if_close(l, &c);
    }
}

/* Are columns pieces of lines of a tensor, which exist or do not? The last index alone moves along them, by one, and stays inside. Which line it is may
 * depend on data. */
static bool has_lines(const tg_dot_emission *e, const tg_value *v) {
    tg_x86 *x = e->x;
    const tg_axis *a = e->d->vector;
    bool plain = e->d->group <= 1 && x->unit && !x->buffers[v->id] && is_plain_load(v, e->d->dtype) && tg_x86_may_be_unit(tg_operand(v->def, 0));
    uint32_t rank = plain ? tg_op_n_indices(v->def) : 0;
    for (uint32_t d = 0; d + 1 < rank; d++) {
        plain = plain && !tg_type_has_axis(tg_op_index(v->def, d)->type, a);
    }
    if (!plain || !rank) {
        return false;
    }
    tg_affine form;
    int64_t c;
    tg_value *symbol;
    bool affine = tg_affine_of(x->arena, tg_op_index(v->def, rank - 1), &form) && tg_affine_axis_coeff(&form, a, &c, &symbol);
    return affine && c == 1 && !symbol && is_inside(x, v->def, rank - 1, true);
}

/* Address of the piece from `column` on of the line at the point that is bound. To *exists, i1: is there such a line? Null: there is. */
static LLVMValueRef line_at(tg_dot_emission *e, const tg_dot_side *s, LLVMValueRef column, LLVMValueRef *exists) {
    tg_x86 *x = e->x;
    tg_op *op = s->value->def;
    LLVMBuilderRef b = e->l->builder;
    tg_x86_tensor *t = tg_x86_tensor_of(x, tg_operand(op, 0));
    tg_x86_frame *f = tg_x86_frame_create(x, tg_x86_dot_frame(e), x->place);
    tg_x86_frame_bind(f, e->d->vector, (tg_x86_val){add(e, x->ranges[e->d->vector->rank].first, column), NULL, NULL});
    tg_x86_note_unit(x, tg_operand(op, 0));
    *exists = NULL;
    LLVMValueRef offset = tg_llvm_i64(e->l, 0);
    for (uint32_t d = 0; d < t->rank; d++) {
        LLVMValueRef index = tg_x86_eval(x, f, tg_op_index(op, d)).v;
        offset = add(e, offset, d + 1 < t->rank ? mul(e, index, t->stride[d]) : index);
        if (!is_inside(x, op, d, true)) {
            LLVMValueRef below = LLVMBuildICmp(b, LLVMIntULT, index, t->dim[d], "");
            *exists = *exists ? LLVMBuildAnd(b, *exists, below, "") : below;
        }
    }
    return tg_llvm_gep(e->l, e->elem, t->base, offset);
}

/* Where vector i of some panels side by side goes; *line is that of the panel before, and becomes its own. */
static LLVMValueRef place_of_vector(tg_dot_emission *e, const tg_dot_panels *p, LLVMValueRef *line, unsigned i) {
    if (i && i % e->vecs == 0) {
        *line = tg_llvm_gep(e->l, e->l->i8, *line, p->bytes);
    }
    return tg_x86_dot_panel_vector(e, *line, i % e->vecs);
}

/* A line of panels from the tensor's, or zeros: one test for all of its vectors. */
static void copy_line(tg_dot_emission *e, const tg_dot_side *s, const tg_dot_panels *p, bool masked, LLVMValueRef line) {
    tg_llvm *l = e->l;
    tg_llvm_if c;
    LLVMValueRef exists, to = line, from = line_at(e, s, p->at, &exists);
    if (exists) {
        tg_llvm_if_open(l, &c, exists);
    }
    for (unsigned i = 0; i < p->n * e->vecs; i++) {
        LLVMValueRef skip = tg_llvm_i64(l, i * e->lanes), at = tg_llvm_gep(l, e->elem, from, skip);
        LLVMValueRef mask = masked ? tg_x86_dot_lanes_below(e, add(e, p->at, skip), p->limit) : NULL;
        LLVMValueRef v = mask ? tg_llvm_masked_load(l, e->vector, at, e->size, mask) : tg_llvm_load(l, e->vector, at, e->size);
        tg_llvm_store(l, v, place_of_vector(e, p, &to, i), e->size);
    }
    if (!exists) {
        return;
    }
    tg_llvm_if_else(l, &c);
    for (unsigned i = 0; i < p->n * e->vecs; i++) {
        tg_llvm_store(l, LLVMConstNull(e->vector), place_of_vector(e, p, &line, i), e->size);
    }
    tg_llvm_if_close(l, &c);
}

/* All lines of some panels side by side, `bytes` apart where they go; `masked`: some columns do not exist. */
static void pack_lines(tg_dot_emission *e, const tg_dot_side *s, const tg_dot_panels *p, bool masked) {
    const tg_x86_dot *d = e->d;
    tg_llvm_loop loops[TG_DOT_AXES];
    LLVMValueRef zero = tg_llvm_i64(e->l, 0), one = tg_llvm_i64(e->l, 1), point = zero, ks[TG_DOT_AXES];
    uint32_t n_bound = e->n_bound;
    for (uint32_t i = 0; i < d->n_over; i++) {
        LLVMValueRef from = i == 0 && p->done ? p->done : zero;
        LLVMValueRef k = tg_llvm_loop_open(e->l, &loops[i], from, e->count[i], one);
        point = add(e, mul(e, point, e->count[i]), k);
        ks[i] = add(e, e->from[i], k);
        tg_x86_dot_bind(e, d->over[i], ks[i]);
    }
    LLVMValueRef line = tg_llvm_gep(e->l, e->l->i8, p->to, mul(e, point, tg_llvm_i64(e->l, tg_x86_dot_panel_step(e))));
    prefetch_line(e, s, p, ks[d->n_over - 1]);
    bool copies = has_lines(e, s->value);
    if (copies) {
        copy_line(e, s, p, masked, line);
    }
    for (unsigned i = 0; !copies && i < p->n * e->vecs; i++) {
        LLVMValueRef column = i ? add(e, p->at, tg_llvm_i64(e->l, i * e->lanes)) : p->at;
        LLVMValueRef to = place_of_vector(e, p, &line, i);
        pack_vector(e, s, p, column, ks[d->n_over - 1], masked, to);
    }
    close_loops(e, loops, d->n_over);
    e->n_bound = n_bound;
}

/* Without AVX-512, vectors of elements below 32 bits cannot be read under a mask, and masks take most of the time of copying
 * others: whole vectors get code of their own. */
static bool copies_whole_vectors(const tg_dot_emission *e, const tg_value *v) {
    bool plain = v->def && v->def->opcode == TG_OP_LOAD && e->x->unit;
    return !e->x->machine->has_masks && (plain || tg_dtype_bits(v->type->dtype) < 32);
}

bool tg_x86_dot_packs_broad(const tg_dot_emission *e, const tg_dot_side *s) {
    return copies_whole_vectors(e, s->value) && !e->d->flip_rows; /* those end in a line of corrections each */
}

void tg_x86_dot_pack_panels(tg_dot_emission *e, const tg_dot_side *s, const tg_dot_panels *p) {
    if (p->n > 1 || !copies_whole_vectors(e, s->value)) {
        pack_lines(e, s, p, p->n == 1);
        return;
    }
    tg_llvm_if c;
    LLVMValueRef end = add(e, p->at, tg_llvm_i64(e->l, e->vecs * e->lanes));
    tg_llvm_if_open(e->l, &c, LLVMBuildICmp(e->l->builder, LLVMIntSLE, end, p->limit, ""));
    pack_lines(e, s, p, false);
    tg_llvm_if_else(e->l, &c);
    pack_lines(e, s, p, true);
    tg_llvm_if_close(e->l, &c);
}

/* Row i of a tile from point k of the part on. */
static tg_x86_frame *row_frame(tg_dot_emission *e, const tg_dot_rows *r, unsigned i, tg_x86_val k) {
    tg_x86_frame *f = tg_x86_frame_create(e->x, tg_x86_dot_frame(e), e->x->place);
    tg_x86_frame_bind(f, e->d->over[e->d->n_over - 1], k);
    for (uint32_t a = 0; a < r->n_axes; a++) {
        tg_x86_frame_bind(f, r->axes[a], (tg_x86_val){add(e, e->x->ranges[r->axes[a]->rank].first, r->index[i][a]), NULL, NULL});
    }
    return f;
}

static LLVMValueRef point_of_part(tg_dot_emission *e, LLVMValueRef k) {
    return add(e, e->x->ranges[e->d->over[e->d->n_over - 1]->rank].first, add(e, e->from[0], k));
}

LLVMValueRef tg_x86_dot_row_vector(tg_dot_emission *e, const tg_dot_rows *r, unsigned i, LLVMValueRef k) {
    if (!r->at) {
        tg_x86_val lanes = {point_of_part(e, k), tg_llvm_i64(e->l, 1), NULL};
        return evaluate(e, row_frame(e, r, i, lanes), r->value, NULL);
    }
    LLVMValueRef at = tg_llvm_gep(e->l, e->elem, r->at[i], k);
    tg_llvm_prefetch(e->l, tg_llvm_gep(e->l, e->l->i8, at, r->ahead), 3);
    return tg_llvm_load(e->l, e->vector, at, e->size);
}

LLVMValueRef tg_x86_dot_row_element(tg_dot_emission *e, const tg_dot_rows *r, unsigned i, LLVMValueRef k) {
    if (!r->at) {
        tg_x86_val v = tg_x86_eval(e->x, row_frame(e, r, i, (tg_x86_val){point_of_part(e, k), NULL, NULL}), r->value);
        return tg_x86_convert(e->x, tg_x86_plain(e->x, v).v, r->value->type->dtype, e->d->dtype);
    }
    return tg_llvm_load(e->l, e->elem, tg_llvm_gep(e->l, e->elem, r->at[i], k), e->size);
}

/* A column at the i-th vector of points of those that k names. */
static tg_x86_frame *column_frame(tg_dot_emission *e, LLVMValueRef column, LLVMValueRef k, unsigned i) {
    const tg_x86_dot *d = e->d;
    LLVMValueRef first = mul(e, add(e, e->from[0], k), tg_llvm_i64(e->l, d->group));
    LLVMValueRef at = add(e, e->x->ranges[d->over[0]->rank].first, add(e, first, tg_llvm_i64(e->l, i * e->lanes)));
    tg_x86_note_multiple(e->x, at, tg_llvm_i64(e->l, 0));
    tg_x86_frame *f = tg_x86_frame_create(e->x, tg_x86_dot_frame(e), e->x->place);
    tg_x86_frame_bind(f, d->vector, (tg_x86_val){add(e, e->x->ranges[d->vector->rank].first, column), NULL, NULL});
    tg_x86_frame_bind(f, d->over[0], (tg_x86_val){at, tg_llvm_i64(e->l, 1), NULL});
    return f;
}

void tg_x86_dot_request_column(tg_dot_emission *e, const tg_dot_side *s, LLVMValueRef column, LLVMValueRef k) {
    if (is_affine_load(e->x, s->value)) {
        tg_x86_prefetch_tensor_early(e->x, column_frame(e, column, k, 0), s->value->def, e->d->group * e->lanes);
    }
}

LLVMValueRef tg_x86_dot_column_vector(tg_dot_emission *e, const tg_dot_side *s, LLVMValueRef column, LLVMValueRef k) {
    const tg_x86_dot *d = e->d;
    LLVMValueRef points[4];
    for (unsigned i = 0; i < d->group; i++) {
        tg_x86_frame *f = column_frame(e, column, k, i);
        points[i] = d->group > 1 ? operand_at(e, f, s->value) : evaluate(e, f, s->value, NULL);
    }
    return d->group > 1 ? tg_x86_dot_run_of_groups(e, points, s->value->type->dtype) : points[0];
}

/* Elements that the last reduction axis of a packed row is a multiple of. */
static LLVMValueRef unit_of_row(const tg_dot_emission *e) {
    return tg_llvm_i64(e->l, e->d->amx ? TG_AMX_BYTES / tg_x86_dot_part_bytes(e) : e->lanes);
}

/* Lays out the packed rows: the last reduction axis contiguous and padded to whole vectors, or to whole rows of tiles, which are then an odd number of
 * cache lines apart: steps by a power of two would crowd a few sets. Returns the bytes. */
static LLVMValueRef lay_out_rows(tg_dot_emission *e, tg_dot_side *s) {
    const tg_x86_dot *d = e->d;
    LLVMValueRef last = size_of(e, d->over[d->n_over - 1]), unit = unit_of_row(e);
    LLVMValueRef bytes = mul(e, mul(e, tg_llvm_ceil_div(e->l, last, unit), unit), tg_llvm_i64(e->l, tg_x86_dot_part_bytes(e)));
    LLVMValueRef line = bytes = d->amx ? LLVMBuildOr(e->l->builder, bytes, tg_llvm_i64(e->l, TG_AMX_BYTES), "") : bytes;
    s->n_axes = 0;
    set_step(e, s, d->over[d->n_over - 1], tg_llvm_i64(e->l, e->size));
    for (uint32_t i = d->n_over - 1; i-- > 0;) {
        set_step(e, s, d->over[i], bytes);
        bytes = mul(e, bytes, size_of(e, d->over[i]));
    }
    if (d->row) {
        set_step(e, s, d->row, bytes);
        bytes = mul(e, bytes, size_of(e, d->row));
    }
    for (uint32_t i = d->n_rows; i-- > 0;) {
        set_step(e, s, d->rows[i], bytes);
        bytes = mul(e, bytes, size_of(e, d->rows[i]));
    }
    return d->amx ? add(e, bytes, mul(e, line, tg_llvm_i64(e->l, TG_AMX_ROWS))) : bytes; /* the last tile has all rows */
}

/* One vector of a row: points from k on of the last reduction axis. */
static void pack_row_vector(tg_dot_emission *e, tg_dot_side *s, LLVMValueRef to, LLVMValueRef k, LLVMValueRef mask) {
    const tg_x86_dot *d = e->d;
    tg_x86_frame *f = lanes_frame(e, d->over[d->n_over - 1], k, mask);
    LLVMValueRef v = d->group > 1 ? tg_x86_dot_row_part(e, only(e, operand_at(e, f, s->value), mask), s->value->type->dtype)
                                  : evaluate(e, f, s->value, mask);
    unsigned bytes = tg_x86_dot_part_bytes(e);
    tg_llvm_store(e->l, v, tg_llvm_gep(e->l, e->l->i8, to, mul(e, k, tg_llvm_i64(e->l, bytes))), bytes);
}

static void pack_row(tg_dot_emission *e, tg_dot_side *s, LLVMValueRef to) {
    LLVMValueRef size = size_of(e, e->d->over[e->d->n_over - 1]), from = tg_llvm_i64(e->l, 0), lanes = tg_llvm_i64(e->l, e->lanes);
    tg_llvm_loop loop;
    if (copies_whole_vectors(e, s->value) || e->d->group > 1) { /* masks take longer than a copy */
        LLVMValueRef whole = mul(e, LLVMBuildUDiv(e->l->builder, size, lanes, ""), lanes);
        LLVMValueRef k = tg_llvm_loop_open(e->l, &loop, from, whole, lanes);
        pack_row_vector(e, s, to, k, NULL);
        tg_llvm_loop_close(e->l, &loop);
        from = whole;
    }
    LLVMValueRef unit = unit_of_row(e), end = e->d->amx ? mul(e, tg_llvm_ceil_div(e->l, size, unit), unit) : size;
    LLVMValueRef k = tg_llvm_loop_open(e->l, &loop, from, end, lanes);
    pack_row_vector(e, s, to, k, tg_x86_dot_lanes_below(e, k, size));
    tg_llvm_loop_close(e->l, &loop);
}

/* Evaluates all rows as `s` lays them out. */
static void fill_rows(tg_dot_emission *e, tg_dot_side *s) {
    const tg_x86_dot *d = e->d;
    LLVMValueRef zero = tg_llvm_i64(e->l, 0), one = tg_llvm_i64(e->l, 1);
    tg_axis *order[TG_DOT_AXES * 3];
    tg_llvm_loop loops[TG_DOT_AXES * 3];
    uint32_t n = 0, n_bound = e->n_bound;
    for (uint32_t i = 0; i < d->n_rows; i++) {
        order[n++] = d->rows[i];
    }
    if (d->row) {
        order[n++] = d->row;
    }
    for (uint32_t i = 0; i + 1 < d->n_over; i++) {
        order[n++] = d->over[i];
    }
    LLVMValueRef at = s->base;
    for (uint32_t i = 0; i < n; i++) {
        LLVMValueRef k = tg_llvm_loop_open(e->l, &loops[i], zero, size_of(e, order[i]), one);
        tg_x86_dot_bind(e, order[i], k);
        at = tg_llvm_gep(e->l, e->l->i8, at, mul(e, k, tg_x86_dot_step(e, s, order[i])));
    }
    pack_row(e, s, at);
    close_loops(e, loops, n);
    e->n_bound = n_bound;
}

bool tg_x86_dot_packs_across(const tg_dot_emission *e, const tg_dot_side *s) {
    const tg_x86_dot *d = e->d;
    const tg_x86_buffer *b = e->x->buffers[s->value->id];
    return d->multiply == TG_DOT_PAIRS_BF16 && !d->amx && d->n_over == 1 && d->n_rows == 0 && b && b->n_axes && b->axes[b->n_axes - 1] == d->row;
}

/* Groups of `lanes` rows at a time: [group][row], whole vectors of rows. */
static void pack_across(tg_dot_emission *e, tg_dot_side *s, tg_dot_scratch *to) {
    const tg_x86_dot *d = e->d;
    LLVMValueRef rows = size_of(e, d->row), lanes = tg_llvm_i64(e->l, e->lanes), size = tg_llvm_i64(e->l, e->size), zero = tg_llvm_i64(e->l, 0);
    LLVMValueRef line = mul(e, mul(e, tg_llvm_ceil_div(e->l, rows, lanes), lanes), size), groups = tg_x86_dot_extent(e, 0);
    s->n_axes = 0;
    set_step(e, s, d->over[0], line);
    set_step(e, s, d->row, size);
    s->base = tg_x86_dot_reserve(e->x, to, mul(e, groups, line));
    s->direct = true;
    tg_llvm_loop loops[2];
    uint32_t n_bound = e->n_bound;
    LLVMValueRef k = tg_llvm_loop_open(e->l, &loops[0], zero, groups, tg_llvm_i64(e->l, 1));
    tg_x86_dot_bind(e, d->over[0], k);
    LLVMValueRef r = tg_llvm_loop_open(e->l, &loops[1], zero, rows, lanes);
    LLVMValueRef words = group_at(e, s, d->row, r, k, tg_x86_dot_lanes_below(e, r, rows));
    LLVMValueRef at = tg_llvm_gep(e->l, e->l->i8, s->base, add(e, mul(e, k, line), mul(e, r, size)));
    tg_llvm_store(e->l, words, at, e->size);
    close_loops(e, loops, 2);
    e->n_bound = n_bound;
}

void tg_x86_dot_pack_rows(tg_dot_emission *e, tg_dot_side *s, tg_dot_scratch *to) {
    if (tg_x86_dot_packs_across(e, s)) {
        pack_across(e, s, to);
        return;
    }
    LLVMValueRef bytes = lay_out_rows(e, s);
    s->base = tg_x86_dot_reserve(e->x, to, bytes);
    s->direct = true;
    fill_rows(e, s);
}

/* Are the rows, as they are stored, groups side by side? */
static LLVMValueRef are_groups(tg_dot_emission *e, const tg_dot_side *stored) {
    LLVMBuilderRef b = e->l->builder;
    tg_axis *k = e->d->over[0];
    LLVMValueRef part = tg_llvm_i64(e->l, tg_x86_dot_part_bytes(e)), last = tg_llvm_i64(e->l, e->d->group - 1);
    LLVMValueRef unit = LLVMBuildICmp(b, LLVMIntEQ, tg_x86_dot_step(e, stored, k), part, "");
    if (e->d->amx) { /* the end of a row is up to dot_amx.c */
        return unit;
    }
    LLVMValueRef whole = LLVMBuildICmp(b, LLVMIntEQ, LLVMBuildAnd(b, size_of(e, k), last, ""), tg_llvm_i64(e->l, 0), "");
    return LLVMBuildAnd(b, unit, whole, "");
}

LLVMValueRef tg_x86_dot_place_groups(tg_dot_emission *e, tg_dot_side *s, const tg_dot_side *stored, tg_dot_scratch *to) {
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef bytes = lay_out_rows(e, s), in_place = are_groups(e, stored), base = tg_x86_alloca(e->x, e->l->ptr);
    LLVMBuildStore(b, stored->base, base);
    tg_llvm_if c;
    tg_llvm_if_open(e->l, &c, LLVMBuildNot(b, in_place, ""));
    s->base = tg_x86_dot_reserve(e->x, to, bytes);
    LLVMBuildStore(b, s->base, base);
    fill_rows(e, s);
    tg_llvm_if_close(e->l, &c);
    s->base = LLVMBuildLoad2(b, e->l->ptr, base, "");
    s->direct = true;
    for (uint32_t i = 0; i < s->n_axes; i++) { /* the same along the reduction */
        if (s->axes[i] != e->d->over[0]) {
            s->step[i] = LLVMBuildSelect(b, in_place, tg_x86_dot_step(e, stored, s->axes[i]), s->step[i], "");
        }
    }
    return in_place;
}
