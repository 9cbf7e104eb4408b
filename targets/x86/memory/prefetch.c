/* Requests of lines before they are needed.
 *
 *   next block    a pass over rows that an earlier pass has read computes from the cache, and memory is idle or only written past the
 *                 caches: meanwhile the rows of the next block come in; in passes that only sum to the first level, if it has room
 *   results       a store waits for its line, and processors foresee reads better than writes: lines of results are
 *                 requested some way ahead, for writing
 *   operands      where a point is much work (long chains), few loads are under way at a time, and processors that foresee reads
 *                 stop at the end of a page: lines are requested from the page after
 *
 * The last two are for loops over whole vectors that store, operands for those that do nothing else, in tensors whose rows follow each other,
 * on machines where they pay (machine->requests; requests_far: operands, where the results go past the caches). */
#include "targets/x86/grid.h"
#include "targets/x86/memory/address.h"
#include "targets/x86/memory/memory.h"

/* Bytes. Zen 3, ns per vector of 8 f32, 1024x1024: copy 2.2, with requests of its result 512 bytes ahead 1.7, 1 KiB 1.1, 2 KiB 1.0.
 * exp of 4096x4096, stores past the caches: 4.6, with requests of its operand 1 KiB ahead 4.5, 2 KiB 4.2, 4 KiB 3.8, 8 KiB 3.8. */
enum { LINE = 64, RESULT_AHEAD = 2048, OPERAND_AHEAD = 4096 };

static LLVMValueRef element_at(tg_x86 *x, const tg_x86_address *a, LLVMValueRef base) {
    return tg_llvm_gep(x->l, a->element, base, a->offset.v);
}

/* Of the vectors of one iteration, those that begin a line if the first one does. */
static bool begins_line(const tg_x86_address *a) {
    LLVMValueRef at = a->offset.v;
    int64_t ahead = 0;
    if (LLVMIsAInstruction(at) && LLVMGetInstructionOpcode(at) == LLVMAdd) {
        (void)tg_llvm_is_const(LLVMGetOperand(at, 1), &ahead);
    }
    return ahead * (int64_t)tg_dtype_size(a->dtype) % LINE == 0;
}

static bool is_run(const tg_x86_address *a) {
    return !a->mask && tg_x86_direction(a->offset) == 1 && begins_line(a);
}

typedef void (*request_fn)(tg_llvm *l, LLVMValueRef at);

static void to_second_level(tg_llvm *l, LLVMValueRef at) {
    tg_llvm_prefetch(l, at, 2);
}

static void to_first_level(tg_llvm *l, LLVMValueRef at) {
    tg_llvm_prefetch(l, at, 3);
}

static void request(tg_x86 *x, request_fn fn, LLVMValueRef at, int64_t from, int64_t bytes) {
    for (int64_t k = 0; k < bytes; k += LINE) {
        fn(x->l, tg_llvm_gep(x->l, x->l->i8, at, tg_llvm_i64(x->l, from + k)));
    }
}

static int64_t bytes_of(const tg_x86 *x, const tg_x86_address *a) {
    return x->lanes * (int64_t)tg_dtype_size(a->dtype);
}

/* Has an earlier pass of this task read it? */
static bool is_read_again(tg_x86 *x, const tg_op *op) {
    const uint32_t *first = tg_map_get(x->first_reads, op);
    if (!first) {
        tg_map_set(x->first_reads, op, TG_COPY_ARRAY(x->arena, uint32_t, &x->pass, 1));
    }
    return first && *first < x->pass;
}

/* Is memory idle, in a pass over what an earlier one has read already? */
static bool is_idle(const tg_x86 *x, const tg_op *op, bool again) {
    const tg_use *u = tg_result(op, 0)->uses;
    return (x->fills || (x->stream && again)) && u && u->next;
}

/* Rows of the next block go to the first level where it holds them beside this one's; else the line itself is requested: 0. Zen 4, layer norm of
 * 256 rows of 2048, us: 95.7, where they do not fit 98.5; of 128 rows of 1024, which do: 19.1 -> 17.5. */
static LLVMValueRef if_room(tg_x86 *x, const tg_x86_tensor *t, const tg_axis *row, LLVMValueRef ahead) {
    LLVMBuilderRef b = x->builder;
    tg_x86_point_bytes bytes = tg_x86_bytes_of_point(x, row);
    LLVMValueRef own = LLVMBuildMul(b, x->ranges[row->rank].size, tg_llvm_i64(x->l, bytes.own), "");
    LLVMValueRef all = LLVMBuildMul(b, LLVMBuildAdd(b, own, tg_llvm_i64(x->l, bytes.shared), ""), t->dim[t->rank - 1], "");
    LLVMValueRef fits = LLVMBuildICmp(b, LLVMIntSLE, all, tg_llvm_i64(x->l, x->machine->l1_bytes), "");
    return LLVMBuildSelect(b, fits, ahead, tg_llvm_i64(x->l, 0), "");
}

static void request_next_rows(tg_x86 *x, request_fn fn, const tg_op *op, const tg_x86_address *a) {
    const tg_x86_tensor *t = tg_x86_tensor_of(x, tg_operand(op, 0));
    const tg_op *index = t->rank >= 2 ? tg_op_index(op, t->rank - 2)->def : NULL;
    const tg_axis *row = x->unit && index && index->opcode == TG_OP_IOTA ? tg_op_axis(index, TG_ATTR_AXIS) : NULL;
    if (row && tg_x86_is_few_rows(x, row)) {
        LLVMValueRef ahead = LLVMBuildMul(x->builder, t->stride[t->rank - 2], x->ranges[row->rank].size, "");
        ahead = fn == to_first_level ? if_room(x, t, row, ahead) : ahead;
        LLVMValueRef base = tg_llvm_gep(x->l, a->element, a->base, ahead);
        request(x, fn, element_at(x, a, base), 0, bytes_of(x, a));
    }
}

void tg_x86_request_operand(tg_x86 *x, const tg_op *op, const tg_x86_address *a) {
    if (!is_run(a)) {
        return;
    }
    if (x->ahead.operands) {
        request(x, to_first_level, element_at(x, a, a->base), OPERAND_AHEAD, bytes_of(x, a));
        return;
    }
    bool again = is_read_again(x, op);
    if (is_idle(x, op, again)) {
        request_next_rows(x, to_second_level, op, a);
    } else if (x->ahead.rows && again) {
        request_next_rows(x, to_first_level, op, a);
    }
}

void tg_x86_request_operands_of(tg_x86 *x, tg_x86_frame *f, const tg_value *v) {
    tg_op *op = v->def;
    if (v->type->kind != TG_TYPE_TILE || v->type->n_axes == 0 || !op || x->modes[v->id] != TG_X86_INLINE || x->buffers[v->id]) {
        return;
    }
    if (op->opcode == TG_OP_LOAD) {
        tg_x86_address a = tg_x86_address_in(x, f, op);
        a.mask = f->mask;
        if (is_run(&a)) {
            request_next_rows(x, to_first_level, op, &a);
        }
        return;
    }
    for (uint32_t i = 0; i < op->n_operands; i++) {
        tg_x86_request_operands_of(x, f, tg_operand(op, i));
    }
}

/* A later pass, over rows in the first level, has no room to spare there for a result that stays in the second: 0. */
static LLVMValueRef result_ahead(tg_x86 *x, const tg_x86_tensor *t) {
    LLVMValueRef ahead = tg_llvm_i64(x->l, RESULT_AHEAD);
    bool first = x->pass == 1;
    return first ? ahead : LLVMBuildSelect(x->builder, tg_x86_is_large(x, t, x->machine->l2_bytes + 1), ahead, tg_llvm_i64(x->l, 0), "");
}

void tg_x86_request_result(tg_x86 *x, const tg_x86_tensor *t, const tg_x86_address *a) {
    if (x->ahead.results && is_run(a)) {
        LLVMValueRef base = tg_llvm_gep(x->l, x->l->i8, a->base, result_ahead(x, t));
        request(x, tg_llvm_prefetch_written, element_at(x, a, base), 0, bytes_of(x, a));
    }
}

static void request_elements(tg_x86 *x, request_fn fn, tg_x86_frame *f, tg_op *op, unsigned n) {
    tg_x86_address a = tg_x86_address_in(x, f, op);
    if (!tg_llvm_is_vector(a.offset.v)) {
        request(x, fn, element_at(x, &a, a.base), 0, n * (int64_t)tg_dtype_size(a.dtype));
    }
}

void tg_x86_prefetch_tensor(tg_x86 *x, tg_x86_frame *f, tg_op *op, unsigned n) {
    request_elements(x, to_first_level, f, op, n);
}

void tg_x86_prefetch_tensor_early(tg_x86 *x, tg_x86_frame *f, tg_op *op, unsigned n) {
    request_elements(x, to_second_level, f, op, n);
}

static bool stores(const tg_x86_nest *n) {
    for (uint32_t i = 0; i < n->roots.len; i++) {
        if (n->roots.data[i].kind == TG_X86_ROOT_STORE && !n->roots.data[i].after) {
            return true;
        }
    }
    return false;
}

/* Does the only task that there is write less, about, than the distance by which lines are requested? Then these are behind its end. */
static bool ends_before(const tg_x86 *x, const tg_x86_nest *n) {
    int64_t points = 1, bytes = 0;
    for (uint32_t i = 0; i < n->n_outer + n->n_inner; i++) {
        const tg_axis *a = i < n->n_outer ? n->outer[i] : n->inner[i - n->n_outer];
        int64_t bound = x->ranges[a->rank].bound;
        points = bound && bound < RESULT_AHEAD ? points * bound : RESULT_AHEAD;
        points = points < RESULT_AHEAD ? points : RESULT_AHEAD;
    }
    for (uint32_t i = 0; i < n->roots.len; i++) {
        const tg_x86_root *r = &n->roots.data[i];
        bool writes = r->kind == TG_X86_ROOT_STORE || r->kind == TG_X86_ROOT_SET;
        bytes += writes ? points * (int64_t)tg_dtype_size(tg_operand(r->op, 0)->type->dtype) : 0;
    }
    return tg_x86_is_single_task(x) && bytes <= RESULT_AHEAD;
}

tg_x86_ahead tg_x86_ahead_of(const tg_x86 *x, const tg_x86_nest *n, bool stream) {
    const tg_machine *m = x->machine;
    bool may = x->unit && tg_x86_is_one_line(n) && !n->tile && stores(n);
    bool first = n->n_inner == 0 && n->roots.data[0].kind == TG_X86_ROOT_STORE;
    bool far = m->requests || (m->requests_far && stream);
    bool sums = n->n_inner == 1 && n->inner[0] == n->vector && !stores(n);
    bool rows = sums && m->requests_rows, next = rows || (sums && x->reads_back && m->requests);
    return (tg_x86_ahead){.rows = rows, .next = next, .results = may && m->requests && !stream && !ends_before(x, n), .operands = may && far && first && n->long_chain};
}
