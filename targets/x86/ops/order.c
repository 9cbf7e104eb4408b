/* sort, topk and histogram: loops over the other axes around scalar code for one row.
 *
 * sort   bottom-up merge sort (stable) of values and indices between two rows of scratch
 * topk   insertion into a list of k, largest first; once it is full, vectors without a larger value than its last are passed over
 * NaN goes last in every order. */
#include "targets/x86/memory/memory.h"
#include "targets/x86/nest/carry.h"
#include "targets/x86/ops/ops.h"

/* ---- rows -------------------------------------------------------------------------------------------------- */

static tg_x86_buffer *result_buffer(tg_x86 *x, tg_value *v, tg_axis *innermost) {
    if (!x->buffers[v->id]) {
        x->buffers[v->id] = tg_x86_buffer_create(x, v->type, innermost);
    }
    tg_x86_buffer_reserve(x, x->buffers[v->id]);
    return x->buffers[v->id];
}

/* x before y in the order wanted; NaN last */
static LLVMValueRef before(tg_x86 *x, tg_dtype t, bool descending, LLVMValueRef p, LLVMValueRef q) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef less = tg_x86_compare(x, descending ? TG_GT : TG_LT, t, p, q);
    if (!tg_dtype_is_float(t)) {
        return less;
    }
    LLVMValueRef pn = LLVMBuildFCmp(b, LLVMRealUNO, p, p, ""), qn = LLVMBuildFCmp(b, LLVMRealUNO, q, q, "");
    return LLVMBuildOr(b, less, LLVMBuildAnd(b, qn, LLVMBuildNot(b, pn, ""), ""), "");
}

/* ---- sort ---------------------------------------------------------------------------------------------------- */

/* A 64-bit variable of the row functions. */
typedef struct var {
    tg_x86 *x;
    LLVMValueRef slot;
    LLVMTypeRef type;
} var;

static var var_create(tg_x86 *x, LLVMTypeRef type, LLVMValueRef init) {
    var v = {x, tg_x86_alloca(x, type), type};
    LLVMBuildStore(x->builder, init, v.slot);
    return v;
}

static LLVMValueRef get(var v) {
    return LLVMBuildLoad2(v.x->builder, v.type, v.slot, "");
}

static void set(var v, LLVMValueRef to) {
    LLVMBuildStore(v.x->builder, to, v.slot);
}

typedef struct head_loop {
    LLVMBasicBlockRef head, after;
} head_loop;

static void while_open(tg_x86 *x, head_loop *l) {
    l->head = tg_llvm_block(x->l);
    l->after = tg_llvm_block(x->l);
    LLVMBuildBr(x->builder, l->head);
    LLVMPositionBuilderAtEnd(x->builder, l->head);
}

static void while_test(tg_x86 *x, head_loop *l, LLVMValueRef test) {
    LLVMBasicBlockRef body = tg_llvm_block(x->l);
    LLVMBuildCondBr(x->builder, test, body, l->after);
    LLVMPositionBuilderAtEnd(x->builder, body);
}

static void while_close(tg_x86 *x, head_loop *l) {
    LLVMBuildBr(x->builder, l->head);
    LLVMPositionBuilderAtEnd(x->builder, l->after);
}

static LLVMValueRef add(tg_x86 *x, LLVMValueRef a, LLVMValueRef b) {
    return LLVMBuildAdd(x->builder, a, b, "");
}

static LLVMValueRef less64(tg_x86 *x, LLVMValueRef a, LLVMValueRef b) {
    return LLVMBuildICmp(x->builder, LLVMIntSLT, a, b, "");
}

typedef struct sort_code {
    tg_x86 *x;
    tg_dtype dtype;
    bool descending;
    LLVMTypeRef element;
    LLVMValueRef n;
    var v, i, tv, ti; /* rows: values, indices, and their scratch */
} sort_code;

static LLVMValueRef element_at(const sort_code *s, var row, LLVMValueRef k) {
    LLVMValueRef e = tg_llvm_load(s->x->l, s->element, tg_llvm_gep(s->x->l, s->element, get(row), k), 1);
    return tg_x86_from_buffer(s->x, e, s->dtype);
}

static void move_element(const sort_code *s, LLVMValueRef from, LLVMValueRef to) {
    tg_llvm *l = s->x->l;
    LLVMValueRef e = tg_llvm_load(l, s->element, tg_llvm_gep(l, s->element, get(s->v), from), 1);
    tg_llvm_store(l, e, tg_llvm_gep(l, s->element, get(s->tv), to), 1);
    LLVMValueRef i = tg_llvm_load(l, l->i64, tg_llvm_gep(l, l->i64, get(s->i), from), 8);
    tg_llvm_store(l, i, tg_llvm_gep(l, l->i64, get(s->ti), to), 8);
}

/* rows[lo, mid) and rows[mid, hi) into scratch[lo, hi) */
static void merge_runs(const sort_code *s, LLVMValueRef lo, LLVMValueRef mid, LLVMValueRef hi) {
    tg_x86 *x = s->x;
    LLVMBuilderRef b = x->builder;
    LLVMValueRef one = tg_llvm_i64(x->l, 1);
    var p = var_create(x, x->l->i64, lo), q = var_create(x, x->l->i64, mid), k = var_create(x, x->l->i64, lo);
    var right = var_create(x, x->l->i1, LLVMConstInt(x->l->i1, 0, 0));
    head_loop l;
    while_open(x, &l);
    while_test(x, &l, less64(x, get(k), hi));
    LLVMValueRef left_empty = LLVMBuildNot(b, less64(x, get(p), mid), "");
    set(right, left_empty);
    tg_llvm_if both;
    tg_llvm_if_open(x->l, &both, LLVMBuildAnd(b, LLVMBuildNot(b, left_empty, ""), less64(x, get(q), hi), ""));
    set(right, before(x, s->dtype, s->descending, element_at(s, s->v, get(q)), element_at(s, s->v, get(p))));
    tg_llvm_if_close(x->l, &both);
    LLVMValueRef r = get(right), from = LLVMBuildSelect(b, r, get(q), get(p), "");
    move_element(s, from, get(k));
    set(q, LLVMBuildSelect(b, r, add(x, get(q), one), get(q), ""));
    set(p, LLVMBuildSelect(b, r, get(p), add(x, get(p), one), ""));
    set(k, add(x, get(k), one));
    while_close(x, &l);
}

static void swap(var a, var b) {
    LLVMValueRef p = get(a), q = get(b);
    set(a, q);
    set(b, p);
}

static void sort_row(const sort_code *s) {
    tg_x86 *x = s->x;
    LLVMBuilderRef b = x->builder;
    LLVMTypeRef word = x->l->i64;
    LLVMValueRef home = get(s->v), one = tg_llvm_i64(x->l, 1), zero = tg_llvm_i64(x->l, 0);
    var width = var_create(x, word, one), lo = var_create(x, word, zero);
    head_loop outer, inner;
    while_open(x, &outer);
    while_test(x, &outer, less64(x, get(width), s->n));
    set(lo, zero);
    while_open(x, &inner);
    while_test(x, &inner, less64(x, get(lo), s->n));
    LLVMValueRef w = get(width), start = get(lo);
    LLVMValueRef mid = tg_llvm_min64(x->l, add(x, start, w), s->n), end = add(x, add(x, start, w), w);
    merge_runs(s, start, mid, tg_llvm_min64(x->l, end, s->n));
    set(lo, end);
    while_close(x, &inner);
    swap(s->v, s->tv);
    swap(s->i, s->ti);
    set(width, add(x, get(width), get(width)));
    while_close(x, &outer);
    tg_llvm_if moved; /* an odd number of passes: copy home */
    tg_llvm_if_open(x->l, &moved, LLVMBuildICmp(b, LLVMIntNE, get(s->v), home, ""));
    var k = var_create(x, word, zero);
    while_open(x, &inner);
    while_test(x, &inner, less64(x, get(k), s->n));
    move_element(s, get(k), get(k));
    set(k, add(x, get(k), one));
    while_close(x, &inner);
    tg_llvm_if_close(x->l, &moved);
}

static void fill_rows(tg_x86 *x, tg_op *op, tg_axis *a, tg_x86_buffer *values, tg_x86_buffer *indices) {
    tg_value *v = tg_operand(op, 0);
    tg_x86_points l;
    tg_x86_points_open(x, &l, x->root, v->type->axes, v->type->n_axes, NULL);
    tg_x86_buffer_store(x, l.frame, values, tg_x86_eval(x, l.frame, v));
    tg_x86_buffer_store(x, l.frame, indices, *tg_x86_frame_index(l.frame, a));
    tg_x86_points_close(x, &l);
}

/* Address of a buffer's row along its innermost axis. */
static LLVMValueRef row_address(tg_x86 *x, tg_x86_frame *f, tg_x86_buffer *b, tg_axis *a) {
    tg_x86_frame *at = tg_x86_frame_create(x, f, f->place);
    tg_x86_frame_bind(at, a, (tg_x86_val){x->ranges[a->rank].first, NULL, NULL});
    return tg_x86_buffer_pointer(x, at, b);
}

void tg_x86_emit_sort(tg_x86 *x, tg_op *op) {
    tg_axis *a = tg_op_axis(op, TG_ATTR_AXIS);
    tg_value *v = tg_operand(op, 0);
    tg_x86_buffer *values = result_buffer(x, tg_result(op, 0), a), *indices = result_buffer(x, tg_result(op, 1), a);
    tg_x86_buffer *spare = tg_x86_buffer_create(x, tg_type_tile(x->f, v->type->dtype, &a, 1), a);
    tg_x86_buffer *spare_index = tg_x86_buffer_create(x, tg_type_tile(x->f, TG_I64, &a, 1), a);
    tg_x86_buffer_reserve(x, spare);
    tg_x86_buffer_reserve(x, spare_index);
    fill_rows(x, op, a, values, indices);
    tg_x86_points l;
    tg_x86_points_open(x, &l, x->root, v->type->axes, v->type->n_axes, a);
    LLVMTypeRef p = x->l->ptr;
    sort_code s = {.x = x, .dtype = v->type->dtype, .descending = tg_op_flag(op, TG_ATTR_DESCENDING)};
    s.element = tg_x86_buf_type(x, s.dtype);
    s.n = x->ranges[a->rank].size;
    s.v = var_create(x, p, row_address(x, l.frame, values, a));
    s.i = var_create(x, p, row_address(x, l.frame, indices, a));
    s.tv = var_create(x, p, row_address(x, l.frame, spare, a));
    s.ti = var_create(x, p, row_address(x, l.frame, spare_index, a));
    sort_row(&s);
    tg_x86_points_close(x, &l);
}

/* ---- topk --------------------------------------------------------------------------------------------------------- */

static LLVMValueRef least_value(tg_x86 *x, tg_dtype t) {
    LLVMTypeRef type = tg_x86_reg_type(x, t);
    if (tg_dtype_is_float(t)) {
        return LLVMConstReal(type, -__builtin_inf());
    }
    bool is_signed = tg_dtype_kind_of(t) == TG_KIND_SINT;
    return is_signed ? LLVMConstInt(type, 1ULL << (tg_dtype_bits(t) - 1), 0) : LLVMConstNull(type);
}

static void clear_slots(tg_x86 *x, tg_op *op, tg_x86_buffer *values, tg_x86_buffer *indices) {
    const tg_type *type = tg_result(op, 0)->type;
    tg_x86_points l;
    tg_x86_points_open(x, &l, x->root, type->axes, type->n_axes, NULL);
    tg_x86_buffer_store(x, l.frame, values, (tg_x86_val){least_value(x, type->dtype), NULL, NULL});
    tg_x86_buffer_store(x, l.frame, indices, (tg_x86_val){tg_llvm_i64(x->l, -1), NULL, NULL});
    tg_x86_points_close(x, &l);
}

/* Moves entries down from the end while the new one goes before them, then places it. */
static void insert(tg_x86 *x, const sort_code *s, var count, LLVMValueRef k, LLVMValueRef v, LLVMValueRef index) {
    LLVMBuilderRef b = x->builder;
    tg_llvm *l = x->l;
    LLVMValueRef one = tg_llvm_i64(l, 1), zero = tg_llvm_i64(l, 0);
    var p = var_create(x, l->i64, get(count)), go = var_create(x, l->i1, LLVMConstInt(l->i1, 1, 0));
    head_loop loop;
    while_open(x, &loop);
    while_test(x, &loop, LLVMBuildAnd(b, get(go), LLVMBuildICmp(b, LLVMIntSGT, get(p), zero, ""), ""));
    LLVMValueRef q = LLVMBuildSub(b, get(p), one, "");
    LLVMValueRef wins = before(x, s->dtype, true, v, element_at(s, s->v, q));
    set(go, wins);
    tg_llvm_if c, room;
    tg_llvm_if_open(l, &c, wins);
    tg_llvm_if_open(l, &room, less64(x, get(p), k));
    move_element(s, q, get(p));
    tg_llvm_if_close(l, &room);
    set(p, q);
    tg_llvm_if_close(l, &c);
    while_close(x, &loop);
    tg_llvm_if_open(l, &c, less64(x, get(p), k));
    tg_llvm_store(l, tg_x86_to_buffer(x, v, s->dtype), tg_llvm_gep(l, s->element, get(s->v), get(p)), 1);
    tg_llvm_store(l, index, tg_llvm_gep(l, l->i64, get(s->i), get(p)), 8);
    tg_llvm_if_close(l, &c);
    set(count, tg_llvm_min64(l, add(x, get(count), one), k));
}

/* One row of topk. */
typedef struct topk_row {
    sort_code s;
    tg_axis *axis;
    tg_value *v;
    tg_x86_frame *frame; /* of the row */
    LLVMValueRef k;
    var count;
} topk_row;

static void insert_points(const topk_row *r, LLVMValueRef from, LLVMValueRef until) {
    tg_x86 *x = r->s.x;
    tg_x86_nest_loop l;
    LLVMValueRef index = tg_x86_open_loop(x, &l, from, until, 1);
    tg_x86_frame *f = tg_x86_frame_create(x, r->frame, x->place);
    tg_x86_frame_bind(f, r->axis, (tg_x86_val){index, NULL, NULL});
    insert(x, &r->s, r->count, r->k, tg_x86_plain(x, tg_x86_eval(x, f, r->v)).v, index);
    tg_x86_close_loop(x, &l);
}

/* Does one of the lanes from `index` on go before the last entry of the list, or is there still room? */
static LLVMValueRef has_entry(const topk_row *r, LLVMValueRef index, unsigned lanes) {
    tg_x86 *x = r->s.x;
    LLVMBuilderRef b = x->builder;
    LLVMValueRef last = LLVMBuildSub(b, r->k, tg_llvm_i64(x->l, 1), "");
    LLVMValueRef least = element_at(&r->s, r->s.v, tg_llvm_max64(x->l, last, tg_llvm_i64(x->l, 0)));
    tg_x86_frame *f = tg_x86_frame_create(x, r->frame, x->place);
    tg_x86_frame_bind(f, r->axis, (tg_x86_val){index, tg_llvm_i64(x->l, 1), NULL});
    x->lanes = lanes;
    LLVMValueRef v = tg_x86_vector(x, tg_x86_eval(x, f, r->v));
    LLVMValueRef wins = before(x, r->s.dtype, true, v, tg_llvm_splat(x->l, least, lanes));
    x->lanes = 1;
    return LLVMBuildOr(b, tg_llvm_call1(x->l, "llvm.vector.reduce.or", wins), less64(x, get(r->count), r->k), "");
}

/* Lanes of a value that is read or computed in vectors; 1: it is not. */
static unsigned lanes_of(const tg_x86 *x, const tg_value *v) {
    int bits = tg_dtype_bits(v->type->dtype);
    return x->unit && bits >= 8 ? (unsigned)(x->machine->vector_bits / (bits > 32 ? 64 : 32)) : 1;
}

static void topk_of_row(const topk_row *r) {
    tg_x86 *x = r->s.x;
    LLVMBuilderRef b = x->builder;
    const tg_x86_range *range = &x->ranges[r->axis->rank];
    unsigned lanes = lanes_of(x, r->v);
    LLVMValueRef from = range->first, until = add(x, from, range->size);
    if (lanes > 1) {
        tg_x86_nest_loop l;
        LLVMValueRef whole = add(x, from, LLVMBuildAnd(b, range->size, tg_llvm_i64(x->l, -(int64_t)lanes), ""));
        LLVMValueRef index = tg_x86_open_loop(x, &l, from, whole, lanes);
        tg_llvm_if c;
        tg_llvm_if_open(x->l, &c, has_entry(r, index, lanes));
        insert_points(r, index, add(x, index, tg_llvm_i64(x->l, lanes)));
        tg_llvm_if_close(x->l, &c);
        tg_x86_close_loop(x, &l);
        from = whole;
    }
    insert_points(r, from, until);
}

void tg_x86_emit_topk(tg_x86 *x, tg_op *op) {
    tg_axis *a = tg_op_axis(op, TG_ATTR_AXIS), *to = tg_op_axis(op, TG_ATTR_TO);
    tg_value *v = tg_operand(op, 0);
    tg_x86_buffer *values = result_buffer(x, tg_result(op, 0), to), *indices = result_buffer(x, tg_result(op, 1), to);
    clear_slots(x, op, values, indices);
    tg_x86_points rows;
    x->columns = NULL;
    x->multiples = tg_map_create(x->arena);
    tg_x86_points_open(x, &rows, x->root, v->type->axes, v->type->n_axes, a);
    sort_code s = {.x = x, .dtype = v->type->dtype, .descending = true, .element = tg_x86_buf_type(x, v->type->dtype)};
    s.v = s.tv = var_create(x, x->l->ptr, row_address(x, rows.frame, values, to));
    s.i = s.ti = var_create(x, x->l->ptr, row_address(x, rows.frame, indices, to));
    topk_row r = {s, a, v, rows.frame, x->ranges[to->rank].size, var_create(x, x->l->i64, tg_llvm_i64(x->l, 0))};
    topk_of_row(&r);
    tg_x86_points_close(x, &rows);
}

/* ---- histogram ------------------------------------------------------------------------------------------------------ */

typedef struct counting {
    tg_x86 *x;
    tg_axis *bins, *axis; /* of the values */
    tg_value *v;
    tg_x86_buffer *counts;
    tg_x86_frame *row;
} counting;

static void count_at(const counting *c, LLVMValueRef index) {
    tg_x86 *x = c->x;
    tg_x86_frame *f = tg_x86_frame_create(x, c->row, x->place);
    tg_x86_frame_bind(f, c->axis, (tg_x86_val){index, NULL, NULL});
    tg_x86_val bin = {tg_x86_convert(x, tg_x86_plain(x, tg_x86_eval(x, f, c->v)).v, c->v->type->dtype, TG_I64), NULL, NULL};
    tg_x86_frame *at = tg_x86_frame_create(x, f, x->place);
    tg_x86_frame_bind(at, c->bins, bin);
    tg_llvm_if exists;
    tg_llvm_if_open(x->l, &exists, tg_x86_in_range(x, c->bins, bin));
    LLVMValueRef n = tg_x86_buffer_load(x, at, c->counts).v;
    tg_x86_buffer_store(x, at, c->counts, (tg_x86_val){LLVMBuildAdd(x->builder, n, tg_llvm_i32(x->l, 1), ""), NULL, NULL});
    tg_llvm_if_close(x->l, &exists);
}

/* `step` points a turn: a count is three instructions, and the loop around it as many. */
static void count_points(const counting *c, LLVMValueRef from, LLVMValueRef until, unsigned step) {
    tg_x86_nest_loop l;
    LLVMValueRef index = tg_x86_open_loop(c->x, &l, from, until, step);
    for (unsigned u = 0; u < step; u++) {
        count_at(c, add(c->x, index, tg_llvm_i64(c->x->l, u)));
    }
    tg_x86_close_loop(c->x, &l);
}

void tg_x86_emit_histogram(tg_x86 *x, tg_op *op) {
    enum { AT_ONCE = 8 };
    tg_axis *bins = tg_op_axis(op, TG_ATTR_BINS);
    tg_value *v = tg_operand(op, 0), *r = tg_result(op, 0);
    tg_x86_buffer *counts = result_buffer(x, r, bins);
    tg_x86_points l;
    tg_x86_points_open(x, &l, x->root, r->type->axes, r->type->n_axes, NULL);
    tg_x86_buffer_store(x, l.frame, counts, (tg_x86_val){tg_llvm_i32(x->l, 0), NULL, NULL});
    tg_x86_points_close(x, &l);
    tg_axis *last = v->type->axes[v->type->n_axes - 1];
    tg_x86_points_open(x, &l, x->root, v->type->axes, v->type->n_axes, last);
    counting c = {x, bins, last, v, counts, l.frame};
    const tg_x86_range *range = &x->ranges[last->rank];
    LLVMValueRef whole = add(x, range->first, LLVMBuildAnd(x->builder, range->size, tg_llvm_i64(x->l, -AT_ONCE), ""));
    count_points(&c, range->first, whole, AT_ONCE);
    count_points(&c, whole, add(x, range->first, range->size), 1);
    tg_x86_points_close(x, &l);
}
