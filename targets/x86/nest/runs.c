/* Lanes over two axes. An axis that is shorter than a vector would leave half of it empty or have shorter vectors, as most passes of a short
 * transform do. Another axis of the nest, the partner, fills the lanes. What is fast is the inner axis, which has all its points, a *run*, in lanes:
 *
 *   lane     0 1 2 3 4 5 6 7   8 9 …
 *   inner    0 1 2 3 4 5 6 7   0 1 …      lane % run
 *   outer    k k k k k k k k   k+1 …      k + lane / run
 *
 * That is the vector axis, for a partner that makes up an index together with it: x[n = q + 8 p]. A partner that is in no index of the chain, such as rows
 * side by side, is inner itself: buffers have it innermost, so that a pass reads and writes runs of it whatever it does to n.
 *
 * If the groups p are no multiple of the places for them, the last ones have vectors of the length of a run.
 *
 * Indices of both are plain vectors, which all other code takes for lanes that gather. An access finds out here what they are: its offset is a sum
 * of products with what is the same in all lanes, and so moves evenly within a run and from run to run:
 *
 *   offset = at + (lane / run) outer + (lane % run) inner
 *     inner 1, outer run    consecutive elements
 *     inner 1, or outer 1   pieces of memory, one for each run or for each place in a run
 *     inner 0               one element for each run
 *     other                 blocks of a buffer that are transposed (transpose.c), or a gather */
#include "targets/x86/memory/address.h"
#include "targets/x86/nest/nest.h"

LLVMValueRef tg_x86_run_index(tg_x86 *x, LLVMValueRef first, bool inner) {
    LLVMValueRef ids[64];
    for (unsigned i = 0; i < x->lanes; i++) {
        ids[i] = tg_llvm_i64(x->l, inner ? i % x->run : i / x->run);
    }
    return LLVMBuildAdd(x->builder, tg_llvm_splat(x->l, first, x->lanes), LLVMConstVector(ids, x->lanes), "");
}

/* ---- what an offset is -------------------------------------------------------------------------------------- */

static bool is_number(LLVMValueRef v, int64_t number) {
    int64_t c;
    return tg_llvm_is_const(v, &c) && c == number;
}

static LLVMValueRef plus(tg_x86 *x, LLVMValueRef a, LLVMValueRef b, bool minus) {
    return is_number(b, 0) ? a : is_number(a, 0) && !minus ? b : minus ? LLVMBuildSub(x->builder, a, b, "") : LLVMBuildAdd(x->builder, a, b, "");
}

static LLVMValueRef times(tg_x86 *x, LLVMValueRef a, LLVMValueRef b) {
    return is_number(b, 1) || is_number(a, 0) ? a : is_number(a, 1) ? b : LLVMBuildMul(x->builder, a, b, "");
}

static bool of_constant(tg_x86 *x, LLVMValueRef v, tg_x86_runs *r) {
    int64_t c[64] = {0};
    for (unsigned i = 0; i < x->lanes; i++) {
        LLVMValueRef e = LLVMGetAggregateElement(v, i);
        if (!e || !tg_llvm_is_const(e, &c[i])) {
            return false;
        }
    }
    int64_t inner = c[1] - c[0], outer = c[x->run] - c[0];
    for (unsigned i = 0; i < x->lanes; i++) {
        if (c[i] != c[0] + i / x->run * outer + i % x->run * inner) {
            return false;
        }
    }
    *r = (tg_x86_runs){tg_llvm_i64(x->l, c[0]), tg_llvm_i64(x->l, outer), tg_llvm_i64(x->l, inner)};
    return true;
}

static bool of_splat(tg_x86 *x, LLVMValueRef v, tg_x86_runs *r) {
    LLVMValueRef zero = tg_llvm_i64(x->l, 0), all = tg_llvm_splatted(v);
    *r = (tg_x86_runs){all ? all : zero, zero, zero};
    return all;
}

static bool is_same(const tg_x86_runs *r) {
    return is_number(r->outer, 0) && is_number(r->inner, 0);
}

static bool runs_in(tg_x86 *x, LLVMValueRef v, tg_x86_runs *r) {
    if (LLVMIsAConstant(v)) {
        return of_constant(x, v, r);
    }
    LLVMOpcode op = LLVMIsABinaryOperator(v) ? LLVMGetInstructionOpcode(v) : LLVMRet;
    if (op != LLVMAdd && op != LLVMSub && op != LLVMMul) {
        return of_splat(x, v, r);
    }
    tg_x86_runs a, b;
    if (!runs_in(x, LLVMGetOperand(v, 0), &a) || !runs_in(x, LLVMGetOperand(v, 1), &b)) {
        return false;
    }
    if (op != LLVMMul) {
        bool minus = op == LLVMSub;
        *r = (tg_x86_runs){plus(x, a.at, b.at, minus), plus(x, a.outer, b.outer, minus), plus(x, a.inner, b.inner, minus)};
        return true;
    }
    const tg_x86_runs *lanes = is_same(&b) ? &a : &b, *k = is_same(&b) ? &b : &a;
    *r = (tg_x86_runs){times(x, lanes->at, k->at), times(x, lanes->outer, k->at), times(x, lanes->inner, k->at)};
    return is_same(k);
}

bool tg_x86_runs_of(tg_x86 *x, const tg_x86_address *a, tg_x86_runs *r) {
    return x->run && !a->mask && tg_llvm_is_vector(a->offset.v) && runs_in(x, a->offset.v, r);
}

bool tg_x86_is_even(const tg_x86 *x, const tg_x86_runs *r, tg_x86_val *offset) {
    bool same = is_same(r), consecutive = is_number(r->inner, 1) && is_number(r->outer, x->run);
    *offset = (tg_x86_val){r->at, consecutive ? r->inner : NULL, NULL};
    return same || consecutive;
}

/* ---- accesses --------------------------------------------------------------------------------------------------- */

/* Pieces of consecutive elements: element i of piece k is in lane k run + i, or, crossed, in lane i run + k. */
typedef struct pieces {
    LLVMValueRef spacing;
    unsigned n, length;
    bool crossed;
} pieces;

static bool pieces_of(const tg_x86 *x, const tg_x86_runs *r, pieces *p) {
    unsigned n = x->lanes / x->run;
    bool crossed = !is_number(r->inner, 1);
    *p = crossed ? (pieces){r->inner, x->run, n, true} : (pieces){r->outer, n, x->run, false};
    return !crossed || is_number(r->outer, 1);
}

static unsigned lane_of(const tg_x86 *x, const pieces *p, unsigned element) {
    unsigned k = element / p->length, i = element % p->length;
    return p->crossed ? i * x->run + k : element;
}

static LLVMValueRef piece_pointer(tg_x86 *x, const tg_x86_address *a, const tg_x86_runs *r, LLVMValueRef spacing, unsigned k, unsigned scale) {
    LLVMValueRef at = plus(x, r->at, times(x, spacing, tg_llvm_i64(x->l, k)), false);
    return tg_llvm_gep(x->l, a->element, a->base, times(x, at, tg_llvm_i64(x->l, scale)));
}

/* Pieces first … first + n - 1 side by side. */
static LLVMValueRef load_some(tg_x86 *x, const tg_x86_address *a, const tg_x86_runs *r, const pieces *p, unsigned first, unsigned n, unsigned scale) {
    LLVMValueRef part[64];
    for (unsigned k = 0; k < n; k++) {
        bool again = k > 0 && is_number(p->spacing, 0);
        LLVMTypeRef type = LLVMVectorType(a->element, scale * p->length);
        part[k] = again ? part[0] : tg_llvm_load(x->l, type, piece_pointer(x, a, r, p->spacing, first + k, scale), a->align);
    }
    return tg_llvm_beside(x->l, part, n);
}

/* Those of v. */
static void store_some(tg_x86 *x, const tg_x86_address *a, const tg_x86_runs *r, const pieces *p, unsigned first, unsigned n, unsigned scale, LLVMValueRef v) {
    unsigned length = scale * p->length;
    for (unsigned k = 0; k < n; k++) {
        tg_llvm_store(x->l, tg_llvm_slice(x->l, v, k * length, length), piece_pointer(x, a, r, p->spacing, first + k, scale), a->align);
    }
}

/* One element for each run. */
static LLVMValueRef load_repeated(tg_x86 *x, const tg_x86_address *a, const tg_x86_runs *r) {
    unsigned n = x->lanes / x->run, pick[64];
    LLVMValueRef one;
    if (is_number(r->outer, 1)) {
        one = tg_llvm_load(x->l, LLVMVectorType(a->element, n), piece_pointer(x, a, r, r->outer, 0, 1), a->align);
    } else {
        one = LLVMGetPoison(LLVMVectorType(a->element, n));
        for (unsigned k = 0; k < n; k++) {
            LLVMValueRef e = tg_llvm_load(x->l, a->element, piece_pointer(x, a, r, r->outer, k, 1), a->align);
            one = LLVMBuildInsertElement(x->builder, one, e, tg_llvm_i32(x->l, k), "");
        }
    }
    for (unsigned i = 0; i < x->lanes; i++) {
        pick[i] = i / x->run;
    }
    return tg_llvm_shuffle(x->l, one, LLVMGetPoison(LLVMTypeOf(one)), pick, x->lanes);
}

LLVMValueRef tg_x86_load_runs(tg_x86 *x, const tg_x86_address *a, const tg_x86_runs *r) {
    pieces p;
    if (is_number(r->inner, 0)) {
        return load_repeated(x, a, r);
    }
    if (!pieces_of(x, r, &p)) {
        return NULL;
    }
    unsigned pick[64];
    for (unsigned i = 0; i < x->lanes; i++) {
        pick[lane_of(x, &p, i)] = i;
    }
    LLVMValueRef v = load_some(x, a, r, &p, 0, p.n, 1);
    return p.crossed ? tg_llvm_shuffle(x->l, v, LLVMGetPoison(LLVMTypeOf(v)), pick, x->lanes) : v;
}

bool tg_x86_store_runs(tg_x86 *x, const tg_x86_address *a, const tg_x86_runs *r, LLVMValueRef v) {
    pieces p;
    if (!pieces_of(x, r, &p)) {
        return false;
    }
    unsigned pick[64];
    for (unsigned i = 0; i < x->lanes; i++) {
        pick[i] = lane_of(x, &p, i);
    }
    v = p.crossed ? tg_llvm_shuffle(x->l, v, LLVMGetPoison(LLVMTypeOf(v)), pick, x->lanes) : v;
    store_some(x, a, r, &p, 0, p.n, 1, v);
    return true;
}

/* In two halves, as many numbers each as a vector has: a lane's real and imaginary part are beside each other in one of them. */
bool tg_x86_load_pair_runs(tg_x86 *x, const tg_x86_address *a, const tg_x86_runs *r, tg_x86_val *v) {
    pieces p;
    if (!pieces_of(x, r, &p)) {
        return false;
    }
    unsigned re[64], im[64];
    for (unsigned i = 0; i < x->lanes; i++) {
        re[lane_of(x, &p, i)] = 2 * i;
        im[lane_of(x, &p, i)] = 2 * i + 1;
    }
    LLVMValueRef low = load_some(x, a, r, &p, 0, p.n / 2, 2), high = load_some(x, a, r, &p, p.n / 2, p.n / 2, 2);
    *v = (tg_x86_val){tg_llvm_shuffle(x->l, low, high, re, x->lanes), NULL, tg_llvm_shuffle(x->l, low, high, im, x->lanes)};
    return true;
}

bool tg_x86_store_pair_runs(tg_x86 *x, const tg_x86_address *a, const tg_x86_runs *r, tg_x86_val v) {
    pieces p;
    if (!pieces_of(x, r, &p)) {
        return false;
    }
    LLVMValueRef re = tg_llvm_splat(x->l, v.v, x->lanes), im = tg_llvm_splat(x->l, v.im, x->lanes);
    for (unsigned half = 0; half < 2; half++) {
        unsigned pick[64];
        for (unsigned i = 0; i < x->lanes; i++) {
            pick[i] = lane_of(x, &p, (half * x->lanes + i) / 2) + (i % 2 ? x->lanes : 0);
        }
        LLVMValueRef both = tg_llvm_shuffle(x->l, re, im, pick, x->lanes);
        store_some(x, a, r, &p, half * p.n / 2, p.n / 2, 2, both);
    }
    return true;
}
