/* Points that are two to four elements side by side: pixels of bytes, positions, stereo sound.
 *
 *   X[y, x, 0], X[y, x, 1], X[y, x, 2]      of X[H, W, 3], lanes along x
 *
 * Lanes are three elements apart, but what is between is there as well and mostly wanted, too: all elements of the points are read as whole vectors,
 * which the channels share, and each channel is taken out of them. Three of 8 lanes:
 *
 *   vectors    r g b r g b r g | b r g b r g b r | g b r g b r g b
 *   red        r . . r . . r .   . r . . r . . r   . . r . . r . .     three times its lanes, never at one place: two blends
 *              r r r r r r r r   in another order                      and one permutation
 *
 * Short elements are taken in blocks of 16 bytes, side by side in a register, so that permutations stay within them. Where the elements of a point
 * are a word, this is read, shifted and cut. Stores of all channels are the same the other way round.
 *
 * That the strides are as small as they can be is no more than usual: the entry compares them (tg_x86_note_packed), as it does the last one. */
#include "targets/x86/memory/address.h"
#include "targets/x86/memory/memory.h"

enum { MOST_LANES = 64, BLOCK_BITS = 128, WORD_BITS = 32 };

/* ---- strides that can be counted on ------------------------------------------------------------------------------- */

static bool is_literal(const tg_value *length, void *n) {
    return tg_value_const_int(length, n);
}

static const tg_fparam *param_of(const tg_x86 *x, const tg_value *tensor) {
    const tg_fparam *p = NULL;
    for (uint32_t i = 0; i < x->f->n_params && !p; i++) {
        p = x->f->params[i].value == tensor ? &x->f->params[i] : NULL;
    }
    return p;
}

/* Tensors that were given in an order of their own tell which of their dimensions are joined. */
static bool is_joined(const tg_fparam *p, uint32_t d) {
    return p && p->step == 0 && (p->order == 0 || (tg_order_joins(p->order, d) && tg_order_step(p->order) == 1));
}

int64_t tg_x86_elements_of_point(const tg_x86 *x, const tg_value *tensor, uint32_t d) {
    uint32_t rank = tensor->type->rank;
    tg_dtype t = tensor->type->dtype;
    const tg_fparam *p = param_of(x, tensor);
    int64_t elements = tg_dtype_bits(t) >= 8 && tg_dtype_kind_of(t) != TG_KIND_COMPLEX, extent = 0;
    for (uint32_t i = d; i + 1 < rank && elements; i++) {
        bool known = is_joined(p, i) && tg_x86_some_length(tensor, i + 1, is_literal, &extent) && extent >= 1 && extent <= TG_X86_CLOSE_LANES;
        elements = known && elements * extent <= TG_X86_CLOSE_LANES ? elements * extent : 0;
    }
    return elements;
}

int64_t tg_x86_packed_stride(const tg_x86 *x, const tg_value *tensor, uint32_t d) {
    return x->unit ? tg_x86_elements_of_point(x, tensor, d) : 0;
}

void tg_x86_note_packed(tg_x86 *x, tg_value *tensor, uint32_t d, int64_t stride) {
    bool known = false;
    for (uint32_t i = 0; i < x->packed_tensors.len; i++) {
        const tg_x86_packed_check *c = &x->packed_tensors.data[i];
        known |= c->tensor == tensor && c->d == d;
    }
    if (!known) {
        tg_vec_push(x->arena, &x->packed_tensors, ((tg_x86_packed_check){tensor, d, stride}));
    }
}

/* ---- pieces of memory ------------------------------------------------------------------------------------------------ */

/* `n` elements a point; those of `chunk` points, n · chunk, are as many pieces of `chunk` elements. Chunks are combined side by side in vectors of
 * `lanes`. */
typedef struct shape {
    unsigned n, chunk, lanes;
} shape;

static unsigned bits_of(const tg_x86_address *a) {
    return 8 * a->align;
}

static unsigned least(unsigned a, unsigned b) {
    return a < b ? a : b;
}

static shape shape_of(const tg_x86 *x, const tg_x86_address *a) {
    bool is_short = bits_of(a) < WORD_BITS;
    unsigned chunk = (is_short ? (unsigned)BLOCK_BITS : (unsigned)x->machine->vector_bits) / bits_of(a);
    chunk = least(chunk, x->lanes);
    return (shape){(unsigned)a->channels, chunk, is_short ? x->lanes : chunk};
}

/* Where element `e` of piece k is among those of its chunk. */
static unsigned point_of(const shape *s, unsigned k, unsigned e) {
    return (k * s->chunk + e) / s->n;
}

static LLVMValueRef pointer(tg_x86 *x, const tg_x86_address *a, unsigned plus) {
    LLVMValueRef p = tg_llvm_gep(x->l, a->element, a->points, a->offset.v);
    return plus ? tg_llvm_gep(x->l, a->element, p, tg_llvm_i64(x->l, plus)) : p;
}

static LLVMValueRef piece_mask(tg_x86 *x, const tg_x86_address *a, const shape *s, unsigned group, unsigned k) {
    unsigned pick[MOST_LANES];
    for (unsigned e = 0; e < s->chunk; e++) {
        pick[e] = group * s->chunk + point_of(s, k, e);
    }
    LLVMValueRef mask = tg_x86_lane_mask(x, a->mask);
    return tg_llvm_shuffle(x->l, mask, LLVMGetPoison(LLVMTypeOf(mask)), pick, s->chunk);
}

static LLVMValueRef load_piece(tg_x86 *x, const tg_x86_address *a, const shape *s, unsigned group, unsigned k) {
    LLVMTypeRef type = LLVMVectorType(a->element, s->chunk);
    LLVMValueRef p = pointer(x, a, (group * s->n + k) * s->chunk);
    return a->mask ? tg_llvm_masked_load(x->l, type, p, a->align, piece_mask(x, a, s, group, k)) : tg_llvm_load(x->l, type, p, a->align);
}

static void store_piece(tg_x86 *x, const tg_x86_address *a, const shape *s, unsigned group, unsigned k, LLVMValueRef v) {
    LLVMValueRef p = pointer(x, a, (group * s->n + k) * s->chunk);
    if (a->mask) {
        tg_llvm_masked_store(x->l, v, p, a->align, piece_mask(x, a, s, group, k));
    } else {
        tg_llvm_store(x->l, v, p, a->align);
    }
}

/* ---- channels ---------------------------------------------------------------------------------------------------------- */

/* Lane i is element (i n + channel) of its chunk's pieces, v[0] … v[n - 1]. Three: no two lanes come from the same place of two pieces. */
static LLVMValueRef take_of_three(tg_x86 *x, const shape *s, LLVMValueRef *v, unsigned channel) {
    unsigned pick[MOST_LANES], order[MOST_LANES];
    LLVMValueRef all = v[0];
    for (unsigned k = 1; k < s->n; k++) {
        for (unsigned i = 0; i < s->lanes; i++) {
            unsigned e = i % s->chunk * s->n + channel, at = i / s->chunk * s->chunk + e % s->chunk;
            pick[at] = e / s->chunk == k ? s->lanes + at : at;
            order[i] = at;
        }
        all = tg_llvm_shuffle(x->l, all, v[k], pick, s->lanes);
    }
    return tg_llvm_shuffle(x->l, all, LLVMGetPoison(LLVMTypeOf(all)), order, s->lanes);
}

/* Two or four: of each pair of pieces, then of the pairs. */
static LLVMValueRef take_of_pairs(tg_x86 *x, const shape *s, LLVMValueRef *v, unsigned channel) {
    LLVMValueRef pair[2] = {NULL, NULL};
    unsigned pick[MOST_LANES], which[MOST_LANES];
    for (unsigned k = 0; k < s->n; k += 2) {
        for (unsigned i = 0; i < s->lanes; i++) {
            unsigned e = i % s->chunk * s->n + channel, piece = e / s->chunk;
            pick[i] = piece % 2 * s->lanes + i / s->chunk * s->chunk + e % s->chunk;
            which[i] = piece / 2 * s->lanes + i;
        }
        pair[k / 2] = tg_llvm_shuffle(x->l, v[k], v[k + 1], pick, s->lanes);
    }
    return pair[1] ? tg_llvm_shuffle(x->l, pair[0], pair[1], which, s->lanes) : pair[0];
}

/* The inverse: piece k of the vectors v[0] … v[n - 1] of channels. */
static LLVMValueRef mix_pairs(tg_x86 *x, const shape *s, LLVMValueRef *v, unsigned k) {
    LLVMValueRef pair[2] = {NULL, NULL};
    unsigned pick[MOST_LANES], which[MOST_LANES];
    for (unsigned c = 0; c < s->n; c += 2) {
        for (unsigned i = 0; i < s->lanes; i++) {
            unsigned channel = (k * s->chunk + i % s->chunk) % s->n;
            pick[i] = channel % 2 * s->lanes + i / s->chunk * s->chunk + point_of(s, k, i % s->chunk);
            which[i] = channel / 2 * s->lanes + i;
        }
        pair[c / 2] = tg_llvm_shuffle(x->l, v[c], v[c + 1], pick, s->lanes);
    }
    return pair[1] ? tg_llvm_shuffle(x->l, pair[0], pair[1], which, s->lanes) : pair[0];
}

/* Three: each channel in the order in which its elements come, once for all pieces. */
static void order_three(tg_x86 *x, const shape *s, LLVMValueRef *v) {
    unsigned pick[MOST_LANES];
    for (unsigned c = 0; c < s->n; c++) {
        for (unsigned i = 0; i < s->lanes; i++) {
            pick[i / s->chunk * s->chunk + (i % s->chunk * s->n + c) % s->chunk] = i;
        }
        v[c] = tg_llvm_shuffle(x->l, v[c], LLVMGetPoison(LLVMTypeOf(v[c])), pick, s->lanes);
    }
}

static LLVMValueRef mix_three(tg_x86 *x, const shape *s, LLVMValueRef *v, unsigned k) {
    unsigned pick[MOST_LANES];
    LLVMValueRef all = v[0];
    for (unsigned c = 1; c < s->n; c++) {
        for (unsigned i = 0; i < s->lanes; i++) {
            pick[i] = (k * s->chunk + i % s->chunk) % s->n == c ? s->lanes + i : i;
        }
        all = tg_llvm_shuffle(x->l, all, v[c], pick, s->lanes);
    }
    return all;
}

/* ---- points that are words ------------------------------------------------------------------------------------------------ */

static bool are_words(const tg_x86_address *a) {
    return a->channels != 3 && bits_of(a) * (unsigned)a->channels <= WORD_BITS;
}

static LLVMTypeRef int_of(tg_x86 *x, unsigned bits, unsigned lanes) {
    return LLVMVectorType(LLVMIntTypeInContext(x->l->context, bits), lanes);
}

static LLVMValueRef load_of_words(tg_x86 *x, const tg_x86_address *a) {
    LLVMBuilderRef b = x->builder;
    LLVMTypeRef words = int_of(x, bits_of(a) * (unsigned)a->channels, x->lanes);
    LLVMValueRef p = pointer(x, a, 0);
    LLVMValueRef v = a->mask ? tg_llvm_masked_load(x->l, words, p, a->align, tg_x86_lane_mask(x, a->mask)) : tg_llvm_load(x->l, words, p, a->align);
    v = LLVMBuildLShr(b, v, tg_llvm_int(words, a->channel * (int64_t)bits_of(a)), "");
    v = LLVMBuildTrunc(b, v, int_of(x, bits_of(a), x->lanes), "");
    return LLVMBuildBitCast(b, v, LLVMVectorType(a->element, x->lanes), "");
}

static void store_words(tg_x86 *x, const tg_x86_address *a, LLVMValueRef *v) {
    LLVMBuilderRef b = x->builder;
    LLVMTypeRef words = int_of(x, bits_of(a) * (unsigned)a->channels, x->lanes);
    LLVMValueRef all = LLVMConstNull(words);
    for (unsigned c = 0; c < (unsigned)a->channels; c++) {
        LLVMValueRef one = LLVMBuildZExt(b, LLVMBuildBitCast(b, v[c], int_of(x, bits_of(a), x->lanes), ""), words, "");
        all = LLVMBuildOr(b, all, LLVMBuildShl(b, one, tg_llvm_int(words, c * (int64_t)bits_of(a)), ""), "");
    }
    if (a->mask) {
        tg_llvm_masked_store(x->l, all, pointer(x, a, 0), a->align, tg_x86_lane_mask(x, a->mask));
    } else {
        tg_llvm_store(x->l, all, pointer(x, a, 0), a->align);
    }
}

/* ---- accesses ------------------------------------------------------------------------------------------------------------ */

LLVMValueRef tg_x86_load_pixels(tg_x86 *x, const tg_x86_address *a) {
    bool may = a->channels && x->lanes > 1 && (!a->mask || tg_x86_has_such_masks(x, a));
    if (!may) {
        return NULL;
    }
    if (are_words(a)) {
        return load_of_words(x, a);
    }
    shape s = shape_of(x, a);
    unsigned groups = x->lanes / s.chunk, together = s.lanes / s.chunk;
    LLVMValueRef part[MOST_LANES], piece[MOST_LANES], v[TG_X86_CLOSE_LANES];
    for (unsigned g = 0; g < groups; g += together) {
        for (unsigned k = 0; k < s.n; k++) {
            for (unsigned i = 0; i < together; i++) {
                piece[i] = load_piece(x, a, &s, g + i, k);
            }
            v[k] = tg_llvm_beside(x->l, piece, together);
        }
        part[g / together] = (s.n == 3 ? take_of_three : take_of_pairs)(x, &s, v, (unsigned)a->channel);
    }
    return tg_llvm_beside(x->l, part, groups / together);
}

void tg_x86_store_pixels(tg_x86 *x, const tg_x86_address *a, LLVMValueRef *channel) {
    if (are_words(a)) {
        store_words(x, a, channel);
        return;
    }
    shape s = shape_of(x, a);
    unsigned groups = x->lanes / s.chunk, together = s.lanes / s.chunk;
    for (unsigned g = 0; g < groups; g += together) {
        LLVMValueRef v[TG_X86_CLOSE_LANES];
        for (unsigned c = 0; c < s.n; c++) {
            v[c] = tg_llvm_slice(x->l, channel[c], g * s.chunk, s.lanes);
        }
        if (s.n == 3) {
            order_three(x, &s, v);
        }
        for (unsigned k = 0; k < s.n; k++) {
            LLVMValueRef all = (s.n == 3 ? mix_three : mix_pairs)(x, &s, v, k);
            for (unsigned i = 0; i < together; i++) {
                store_piece(x, a, &s, g + i, k, tg_llvm_slice(x->l, all, i * s.chunk, s.chunk));
            }
        }
    }
}
