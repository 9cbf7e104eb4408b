/* The broadcast side of a convolution: the box of the tensor that a task's (or, for a filter's gradient, a part's) window positions touch is copied to scratch once,
 * with what lies outside the tensor filled in and elements converted, and then read in place like any strided operand.
 *
 *   x[n, p*2 + r - 1, q*2 + s - 1, c]      p, q: rows     r, s, c: reduced
 *   box: (p1-p0)*2 + R  by  (q1-q0)*2 + S  by  C           step of p: 2 box lines, of r: 1 box line, …
 *
 * The box is about as large as the input it covers, where packing every (row, reduction) point would make it R·S times as large. */
#include "dsl/ir/affine.h"
#include "targets/x86/dot/dot.h"
#include "targets/x86/memory/address.h"
#include "targets/x86/memory/memory.h"
#include "targets/x86/ops/ops.h"

enum { MAX_DIMS = 8, MAX_COEFFICIENT = 16 };

typedef struct window {
    tg_dot_emission *e;
    tg_op *op;
    tg_x86_tensor *tensor;
    tg_affine form[MAX_DIMS];
    LLVMValueRef low[MAX_DIMS], extent[MAX_DIMS], step[MAX_DIMS]; /* first index, indices, bytes per index in the box */
    LLVMValueRef start[MAX_DIMS];                                 /* index at the first point of all axes */
    uint32_t rank;
    bool of_part;
} window;

/* Place of an axis among those of the reduction whose part the box is of; n_over: it has all of the axis. */
static uint32_t place_in_part(const window *w, const tg_axis *a) {
    uint32_t i = w->of_part ? 0 : w->e->d->n_over;
    while (i < w->e->d->n_over && w->e->d->over[i] != a) {
        i++;
    }
    return i;
}

static LLVMValueRef first_of(const window *w, const tg_axis *a) {
    uint32_t i = place_in_part(w, a);
    LLVMValueRef first = w->e->x->ranges[a->rank].first;
    return i < w->e->d->n_over ? LLVMBuildAdd(w->e->l->builder, first, w->e->from[i], "") : first;
}

static LLVMValueRef size_of(const window *w, const tg_axis *a) {
    uint32_t i = place_in_part(w, a);
    return i < w->e->d->n_over ? w->e->count[i] : w->e->x->ranges[a->rank].size;
}

static int64_t coefficient(const window *w, uint32_t d, const tg_axis *a) {
    int64_t c = 0;
    tg_value *symbol;
    return tg_affine_axis_coeff(&w->form[d], a, &c, &symbol) ? c : 0;
}

/* Groups of the box lie as those of packed rows do: along the last dimension runs the last reduction axis and no other. */
static bool keeps_groups(const tg_x86_dot *d, const tg_op *op) {
    const tg_axis *last = d->over[d->n_over - 1];
    for (uint32_t i = 0; i < tg_op_n_indices(op) && d->group > 1; i++) {
        const tg_value *index = tg_op_index(op, i);
        bool innermost = i + 1 == tg_op_n_indices(op);
        bool alone = index->type->n_axes == 1 && index->type->axes[0] == last && index->def && index->def->opcode == TG_OP_IOTA;
        if (innermost ? !alone : tg_type_has_axis(index->type, last)) {
            return false;
        }
    }
    return true;
}

/* Indices affine with small constant coefficients, each axis in one dimension only, two axes in some dimension. */
bool tg_x86_dot_has_window(tg_x86 *x, const tg_x86_dot *d, const tg_value *v) {
    const tg_op *op = v->def;
    bool load = op && op->opcode == TG_OP_LOAD && !tg_op_attr(op, TG_ATTR_PART) && !x->buffers[v->id];
    if (!load || tg_dtype_bits(v->type->dtype) < 8 || !keeps_groups(d, op) || (tg_op_else(op) && tg_op_else(op)->type->n_axes)) {
        return false;
    }
    bool overlaps = false;
    tg_axis *seen[TG_DOT_AXES];
    uint32_t n_seen = 0;
    for (uint32_t i = 0; i < tg_op_n_indices(op); i++) {
        const tg_value *index = tg_op_index(op, i);
        tg_affine form;
        if (!tg_affine_of(x->arena, index, &form)) {
            return false;
        }
        uint32_t here = 0;
        for (uint32_t k = 0; k < index->type->n_axes; k++) {
            int64_t c;
            tg_value *symbol;
            tg_axis *a = index->type->axes[k];
            if (!tg_affine_axis_coeff(&form, a, &c, &symbol) || symbol || c > MAX_COEFFICIENT || c < -MAX_COEFFICIENT) {
                return false;
            }
            for (uint32_t s = 0; s < n_seen; s++) {
                if (seen[s] == a) {
                    return false;
                }
            }
            seen[n_seen++] = a;
            here += !(d->side < 2 && tg_type_has_axis(tg_operand(d->op, d->side)->type, a) && tg_type_has_axis(tg_result(d->op, 0)->type, a));
        }
        overlaps |= here > 1;
    }
    return overlaps;
}

/* Of two axes the one with more iterations; an unknown extent counts as many. */
static bool is_longer(const tg_axis *a, const tg_axis *b) {
    return b->extent >= 0 && (a->extent < 0 || a->extent > b->extent);
}

bool tg_x86_dot_slides(tg_x86 *x, const tg_x86_dot *d) {
    const tg_value *v = tg_operand(d->op, 1 - d->side);
    bool has = tg_x86_dot_has_window(x, d, v);
    for (uint32_t i = 0; has && i < tg_op_n_indices(v->def); i++) {
        const tg_type *t = tg_op_index(v->def, i)->type;
        for (uint32_t k = 0; k < t->n_axes * t->n_axes; k++) {
            const tg_axis *a = t->axes[k / t->n_axes], *b = t->axes[k % t->n_axes];
            if (tg_op_reduces_over(d->op, a) && !tg_op_reduces_over(d->op, b) && is_longer(a, b)) {
                return true;
            }
        }
    }
    return false;
}

static bool is_free(const window *w, const tg_axis *a) {
    for (uint32_t i = 0; i < w->e->n_bound; i++) {
        if (w->e->bound[i] == a) {
            return false;
        }
    }
    return true;
}

static void measure(window *w) {
    tg_dot_emission *e = w->e;
    LLVMBuilderRef b = e->l->builder;
    tg_x86_frame *f = tg_x86_frame_create(e->x, tg_x86_dot_frame(e), e->x->place);
    const tg_type *type = tg_result(w->op, 0)->type;
    for (uint32_t i = 0; i < type->n_axes; i++) {
        if (is_free(w, type->axes[i])) {
            tg_x86_frame_bind(f, type->axes[i], (tg_x86_val){first_of(w, type->axes[i]), NULL, NULL});
        }
    }
    for (uint32_t d = 0; d < w->rank; d++) {
        tg_value *index = tg_op_index(w->op, d);
        tg_affine_of(e->x->arena, index, &w->form[d]);
        w->start[d] = w->low[d] = tg_x86_eval(e->x, f, index).v;
        w->extent[d] = tg_llvm_i64(e->l, 1);
        for (uint32_t i = 0; i < index->type->n_axes; i++) {
            tg_axis *a = index->type->axes[i];
            int64_t c = is_free(w, a) ? coefficient(w, d, a) : 0;
            LLVMValueRef last = LLVMBuildSub(b, size_of(w, a), tg_llvm_i64(e->l, 1), "");
            LLVMValueRef span = LLVMBuildMul(b, last, tg_llvm_i64(e->l, c < 0 ? -c : c), "");
            w->extent[d] = LLVMBuildAdd(b, w->extent[d], span, "");
            w->low[d] = c < 0 ? LLVMBuildSub(b, w->low[d], span, "") : w->low[d];
        }
        w->extent[d] = tg_llvm_max64(e->l, w->extent[d], tg_llvm_i64(e->l, 0)); /* an axis may be empty */
    }
}

/* Row-major; each line is copied in whole vectors, whose excess the next line overwrites. Groups are padded instead. Returns the bytes. */
static LLVMValueRef lay_out(window *w) {
    tg_dot_emission *e = w->e;
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef lanes = tg_llvm_i64(e->l, e->lanes), bytes = tg_llvm_i64(e->l, tg_x86_dot_part_bytes(e));
    for (uint32_t d = w->rank; d-- > 0;) {
        w->step[d] = bytes;
        LLVMValueRef n = w->extent[d];
        bool padded = d + 1 == w->rank && e->d->group > 1;
        n = padded ? LLVMBuildMul(b, tg_llvm_ceil_div(e->l, n, lanes), lanes, "") : n;
        bytes = LLVMBuildMul(b, bytes, n, "");
    }
    return LLVMBuildAdd(b, bytes, tg_llvm_i64(e->l, e->lanes * e->size), "");
}

/* A tensor's element, in registers, as the box holds it. */
static LLVMValueRef element_of(tg_dot_emission *e, LLVMValueRef v, tg_dtype t) {
    return e->d->group > 1 ? tg_x86_dot_row_part(e, v, t) : tg_x86_convert(e->x, v, t, e->d->dtype);
}

static LLVMValueRef fill_value(window *w) {
    tg_dot_emission *e = w->e;
    tg_value *otherwise = tg_op_else(w->op);
    tg_dtype t = w->tensor->dtype;
    LLVMValueRef v = otherwise ? tg_x86_scalar_of(e->x, otherwise) : LLVMConstNull(tg_x86_reg_type(e->x, t));
    return tg_llvm_splat(e->l, element_of(e, v, t), e->lanes);
}

/* Lanes whose index at `at`, `at + 1`, … lies in the last dimension. */
static LLVMValueRef inside_last(window *w, LLVMValueRef at, LLVMValueRef line_inside) {
    tg_dot_emission *e = w->e;
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef below = tg_x86_dot_lanes_below(e, at, w->tensor->dim[w->rank - 1]);
    LLVMValueRef zero = tg_llvm_i64(e->l, 0), before = tg_x86_dot_lanes_below(e, at, zero); /* negative indices */
    LLVMValueRef mask = LLVMBuildAnd(b, below, LLVMBuildNot(b, before, ""), "");
    return LLVMBuildAnd(b, mask, tg_llvm_splat(e->l, line_inside, e->lanes), "");
}

static LLVMValueRef load_line(window *w, LLVMValueRef offset, LLVMValueRef at, LLVMValueRef mask) {
    tg_x86 *x = w->e->x;
    tg_dtype t = w->tensor->dtype;
    LLVMValueRef stride = x->unit ? tg_llvm_i64(x->l, 1) : w->tensor->stride[w->rank - 1];
    if (x->unit) {
        tg_x86_note_unit(x, tg_operand(w->op, 0));
    }
    LLVMValueRef first = LLVMBuildAdd(x->builder, offset, x->unit ? at : LLVMBuildMul(x->builder, at, stride, ""), "");
    tg_x86_address a = {.base = w->tensor->base, .offset = {first, stride, NULL}, .mask = mask, .dtype = t};
    a.element = tg_x86_mem_type(x, t);
    a.align = (unsigned)tg_dtype_size(t);
    return tg_x86_load_elements(x, &a);
}

/* Where the loops over the outer dimensions of a copy stand. */
typedef struct place {
    LLVMValueRef to, offset, inside; /* address in the box; element of the tensor; is there one? */
    tg_llvm_loop loops[MAX_DIMS];
} place;

static void open_loops(window *w, place *p, uint32_t n, LLVMValueRef to) {
    tg_dot_emission *e = w->e;
    LLVMBuilderRef b = e->l->builder;
    p->to = to;
    p->offset = tg_llvm_i64(e->l, 0);
    p->inside = LLVMConstInt(e->l->i1, 1, 0);
    for (uint32_t d = 0; d < n; d++) {
        LLVMValueRef i = tg_llvm_loop_open(e->l, &p->loops[d], tg_llvm_i64(e->l, 0), w->extent[d], tg_llvm_i64(e->l, 1));
        LLVMValueRef index = LLVMBuildAdd(b, w->low[d], i, "");
        p->to = tg_llvm_gep(e->l, e->l->i8, p->to, LLVMBuildMul(b, i, w->step[d], ""));
        p->offset = LLVMBuildAdd(b, p->offset, LLVMBuildMul(b, index, w->tensor->stride[d], ""), "");
        p->inside = LLVMBuildAnd(b, p->inside, LLVMBuildICmp(b, LLVMIntULT, index, w->tensor->dim[d], ""), "");
    }
}

static void close_loops(window *w, place *p, uint32_t n) {
    while (n-- > 0) {
        tg_llvm_loop_close(w->e->l, &p->loops[n]);
    }
}

/* ---- lines without gaps ------------------------------------------------------------------------------------ */

/* Do the last two dimensions follow one another in the tensor and, whole, in the box? Null: they cannot. */
static LLVMValueRef is_flat(window *w) {
    tg_dot_emission *e = w->e;
    LLVMBuilderRef b = e->l->builder;
    if (!e->x->unit || w->rank < 2 || e->d->group > 1) {
        return NULL;
    }
    uint32_t last = w->rank - 1;
    LLVMValueRef dim = w->tensor->dim[last];
    LLVMValueRef dense = LLVMBuildICmp(b, LLVMIntEQ, w->tensor->stride[last - 1], dim, "");
    LLVMValueRef first = LLVMBuildICmp(b, LLVMIntEQ, w->low[last], tg_llvm_i64(e->l, 0), "");
    LLVMValueRef whole = LLVMBuildICmp(b, LLVMIntEQ, w->extent[last], dim, "");
    return LLVMBuildAnd(b, dense, LLVMBuildAnd(b, first, whole, ""), "");
}

static LLVMValueRef clamp(tg_dot_emission *e, LLVMValueRef v, LLVMValueRef least, LLVMValueRef most) {
    return tg_llvm_max64(e->l, tg_llvm_min64(e->l, v, most), least);
}

static void fill_elements(window *w, LLVMValueRef to, LLVMValueRef from, LLVMValueRef until, LLVMValueRef fill) {
    tg_dot_emission *e = w->e;
    tg_llvm_loop loop;
    LLVMValueRef i = tg_llvm_loop_open(e->l, &loop, from, until, tg_llvm_i64(e->l, e->lanes));
    tg_llvm_store(e->l, fill, tg_llvm_gep(e->l, e->elem, to, i), e->size);
    tg_llvm_loop_close(e->l, &loop);
}

/* Elements [0, n) from `source` on; `masked`: fewer than a vector. */
static void copy_elements(window *w, LLVMValueRef to, LLVMValueRef source, LLVMValueRef from, LLVMValueRef until, bool masked) {
    tg_dot_emission *e = w->e;
    tg_dtype t = w->tensor->dtype;
    LLVMTypeRef element = tg_x86_mem_type(e->x, t), type = tg_llvm_wide(element, e->lanes);
    unsigned align = (unsigned)tg_dtype_size(t);
    tg_llvm_loop loop;
    LLVMValueRef i = tg_llvm_loop_open(e->l, &loop, from, until, tg_llvm_i64(e->l, e->lanes));
    LLVMValueRef p = tg_llvm_gep(e->l, element, source, i);
    LLVMValueRef v = masked ? tg_llvm_masked_load(e->l, type, p, align, tg_x86_dot_lanes_below(e, i, until)) : tg_llvm_load(e->l, type, p, align);
    v = element_of(e, tg_x86_from_memory(e->x, v, t), t);
    tg_llvm_store(e->l, v, tg_llvm_gep(e->l, e->elem, to, i), e->size);
    tg_llvm_loop_close(e->l, &loop);
}

/* A line of the last two dimensions: what lies in front of the tensor, a run of it, what lies behind. Each is written in whole
 * vectors, whose excess the next overwrites. */
static void copy_flat(window *w, LLVMValueRef to) {
    tg_dot_emission *e = w->e;
    LLVMBuilderRef b = e->l->builder;
    uint32_t d = w->rank - 2;
    LLVMValueRef zero = tg_llvm_i64(e->l, 0), size = w->extent[d + 1], lanes = tg_llvm_i64(e->l, e->lanes), fill = fill_value(w);
    LLVMValueRef first = clamp(e, LLVMBuildNeg(b, w->low[d], ""), zero, w->extent[d]);
    LLVMValueRef end = clamp(e, LLVMBuildSub(b, w->tensor->dim[d], w->low[d], ""), first, w->extent[d]);
    place p;
    open_loops(w, &p, d, to);
    LLVMValueRef from = LLVMBuildMul(b, first, size, "");
    LLVMValueRef n = LLVMBuildSelect(b, p.inside, LLVMBuildMul(b, LLVMBuildSub(b, end, first, ""), size, ""), zero, "");
    LLVMValueRef whole = LLVMBuildAnd(b, n, LLVMBuildNeg(b, lanes, ""), "");
    LLVMValueRef index = LLVMBuildMul(b, LLVMBuildAdd(b, w->low[d], first, ""), w->tensor->stride[d], "");
    LLVMValueRef source = tg_llvm_gep(e->l, tg_x86_mem_type(e->x, w->tensor->dtype), w->tensor->base, LLVMBuildAdd(b, p.offset, index, ""));
    LLVMValueRef run = tg_llvm_gep(e->l, e->elem, p.to, from);
    fill_elements(w, p.to, zero, from, fill);
    copy_elements(w, run, source, zero, whole, false);
    copy_elements(w, run, source, whole, n, true);
    fill_elements(w, p.to, LLVMBuildAdd(b, from, n, ""), LLVMBuildMul(b, w->extent[d], size, ""), fill);
    close_loops(w, &p, d);
}

/* ---- lines in general ----------------------------------------------------------------------------------------- */

/* The lines of a few channels of many are short, and far apart: no hardware foresees them. */
static void request_ahead(window *w, LLVMValueRef offset, LLVMValueRef at) {
    enum { AHEAD = 8 };
    tg_llvm *l = w->e->l;
    LLVMBuilderRef b = l->builder;
    if (w->e->x->unit && w->rank > 1) {
        LLVMValueRef ahead = LLVMBuildMul(b, w->tensor->stride[w->rank - 2], tg_llvm_i64(l, AHEAD), "");
        LLVMValueRef there = LLVMBuildAdd(b, LLVMBuildAdd(b, offset, at, ""), ahead, "");
        tg_llvm_prefetch(l, tg_llvm_gep(l, tg_x86_mem_type(w->e->x, w->tensor->dtype), w->tensor->base, there), 3);
    }
}

static void copy_lines(window *w, LLVMValueRef to) {
    tg_dot_emission *e = w->e;
    tg_x86 *x = e->x;
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef zero = tg_llvm_i64(e->l, 0), fill = fill_value(w);
    uint32_t last = w->rank - 1;
    place p;
    open_loops(w, &p, last, to);
    LLVMValueRef i = tg_llvm_loop_open(e->l, &p.loops[last], zero, w->extent[last], tg_llvm_i64(e->l, e->lanes));
    LLVMValueRef at = LLVMBuildAdd(b, w->low[last], i, "");
    request_ahead(w, p.offset, at);
    LLVMValueRef mask = inside_last(w, at, p.inside);
    LLVMValueRef v = tg_x86_from_memory(x, load_line(w, p.offset, at, mask), w->tensor->dtype);
    v = element_of(e, v, w->tensor->dtype);
    v = LLVMBuildSelect(b, mask, v, fill, "");
    if (e->d->group > 1) { /* the padding: zero times what the tensor holds there need not be zero */
        v = LLVMBuildSelect(b, tg_x86_dot_lanes_below(e, i, w->extent[last]), v, LLVMConstNull(LLVMTypeOf(v)), "");
    }
    tg_llvm_store(e->l, v, tg_llvm_gep(e->l, e->l->i8, p.to, LLVMBuildMul(b, i, w->step[last], "")), tg_x86_dot_part_bytes(e));
    close_loops(w, &p, w->rank);
}

static void copy_box(window *w, LLVMValueRef to) {
    LLVMValueRef flat = is_flat(w);
    if (!flat) {
        copy_lines(w, to);
        return;
    }
    tg_llvm_if c;
    tg_llvm_if_open(w->e->l, &c, flat);
    copy_flat(w, to);
    tg_llvm_if_else(w->e->l, &c);
    copy_lines(w, to);
    tg_llvm_if_close(w->e->l, &c);
}

void tg_x86_dot_stage_window(tg_dot_emission *e, tg_dot_side *s, tg_dot_scratch *to, bool of_part) {
    window *w = TG_NEW(e->x->arena, window);
    w->e = e;
    w->op = s->value->def;
    w->of_part = s->of_part = of_part;
    w->tensor = tg_x86_tensor_of(e->x, tg_operand(w->op, 0));
    w->rank = w->tensor->rank;
    measure(w);
    LLVMValueRef box = tg_x86_dot_reserve(e->x, to, lay_out(w));
    copy_box(w, box);
    s->direct = true;
    s->base = box;
    for (uint32_t d = 0; d < w->rank; d++) {
        const tg_type *t = tg_op_index(w->op, d)->type;
        LLVMValueRef skipped = LLVMBuildSub(e->l->builder, w->start[d], w->low[d], "");
        s->base = tg_llvm_gep(e->l, e->l->i8, s->base, LLVMBuildMul(e->l->builder, skipped, w->step[d], ""));
        for (uint32_t i = 0; i < t->n_axes; i++) {
            if (is_free(w, t->axes[i])) {
                bool grouped = t->axes[i] == e->d->over[e->d->n_over - 1]; /* steps count in groups */
                LLVMValueRef c = tg_llvm_i64(e->l, coefficient(w, d, t->axes[i]) * (grouped ? e->d->group : 1));
                s->axes[s->n_axes] = t->axes[i];
                s->step[s->n_axes++] = LLVMBuildMul(e->l->builder, w->step[d], c, "");
            }
        }
    }
}
