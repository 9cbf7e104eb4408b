/* Stores of all elements of points that lie side by side (memory/pixels.c).
 *
 *   Y[y, x, 0] = …; Y[y, x, 1] = …; Y[y, x, 2] = …;     or     axis c in 3;  Y[y, x, c] = …     lanes along x
 *
 * One store for each channel, three elements apart, would be masks or single elements. Together they are whole vectors: stores of one
 * nest wait for the last of them, or the nest has all points of c, the innermost, at a time. */
#include "targets/x86/memory/memory.h"
#include "targets/x86/nest/nest.h"

/* Elements a point that the store is for one of; 0: it is for none. */
static uint32_t channels_of(const tg_x86 *x, const tg_op *op) {
    uint32_t rank = op->opcode == TG_OP_STORE ? tg_op_n_indices(op) : 0;
    int64_t n = rank >= 2 && !tg_op_guard(op) ? tg_x86_packed_stride(x, tg_operand(op, 0), rank - 2) : 0;
    return n > 1 && n <= TG_X86_CLOSE_LANES ? (uint32_t)n : 0;
}

static const tg_value *channel_index(const tg_op *op) {
    return tg_op_index(op, tg_op_n_indices(op) - 1);
}

static bool is_whole(const tg_x86 *x, const tg_axis *a, int64_t n) {
    int64_t first, size;
    const tg_x86_range *r = &x->ranges[a->rank];
    return tg_llvm_is_const(r->first, &first) && tg_llvm_is_const(r->size, &size) && first == 0 && size == n;
}

tg_axis *tg_x86_channel_axis(const tg_x86 *x, const tg_x86_nest *n) {
    tg_axis *found = NULL;
    bool may = x->unit && !x->options->baseline && n->n_inner == 0 && n->n_outer >= 2;
    for (uint32_t i = 0; i < n->roots.len && may; i++) {
        const tg_x86_root *r = &n->roots.data[i];
        may = r->kind == TG_X86_ROOT_STORE || r->kind == TG_X86_ROOT_FILL;
        uint32_t channels = may && r->op ? channels_of(x, r->op) : 0;
        const tg_axis *a = channels ? tg_x86_axis_of(channel_index(r->op)) : NULL;
        for (uint32_t k = 0; a && k < n->n_outer; k++) {
            found = n->outer[k] == a && is_whole(x, a, channels) ? n->outer[k] : found;
        }
    }
    return may ? found : NULL;
}

/* Do both stores write elements of the same points? */
static bool are_beside(const tg_op *a, const tg_op *b) {
    uint32_t rank = tg_op_n_indices(a);
    bool same = b->opcode == TG_OP_STORE && tg_operand(a, 0) == tg_operand(b, 0) && !tg_op_guard(b);
    for (uint32_t d = 0; d + 1 < rank && same; d++) {
        same = tg_op_index(a, d) == tg_op_index(b, d);
    }
    return same;
}

/* One store for each channel, all in the same part of the nest. */
static bool find_channels(const tg_x86_nest *n, const tg_x86_root *first, uint32_t channels, uint32_t *root) {
    uint32_t found = 0;
    for (uint32_t i = 0; i < n->roots.len; i++) {
        const tg_x86_root *r = &n->roots.data[i];
        int64_t c = -1;
        bool beside = r->op && r->after == first->after && are_beside(first->op, r->op) && tg_value_const_int(channel_index(r->op), &c);
        if (beside && c >= 0 && c < channels && !(found >> c & 1)) {
            found |= 1u << c;
            root[c] = i;
        }
    }
    return found == (1u << channels) - 1;
}

uint32_t tg_x86_channel_stores(const tg_x86 *x, const tg_x86_nest *n, uint32_t i, uint32_t *root) {
    const tg_x86_root *r = &n->roots.data[i];
    uint32_t channels = r->op && x->unit && !x->options->baseline ? channels_of(x, r->op) : 0;
    const tg_axis *a = channels ? tg_x86_axis_of(channel_index(r->op)) : NULL;
    int64_t c;
    for (uint32_t k = 0; k < channels; k++) {
        root[k] = i;
    }
    bool along = a && a == n->channels && is_whole(x, a, channels);
    bool apart = channels && tg_value_const_int(channel_index(r->op), &c) && find_channels(n, r, channels, root);
    return along || apart ? channels : 0;
}

/* Points of the axis are worked on at a time: it becomes the innermost. */
void tg_x86_put_channels_inside(tg_x86_nest *n, tg_axis *channels) {
    uint32_t to = 0;
    for (uint32_t i = 0; i < n->n_outer; i++) {
        if (n->outer[i] != channels) {
            n->outer[to++] = n->outer[i];
        }
    }
    n->outer[to] = channels;
    n->channels = channels;
    n->unroll = 1;
}
