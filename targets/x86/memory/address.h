/* The address of one element per lane, and the accesses that complex elements need; private to access.c,
 * atomic.c, complex_access.c, dot_window.c, gather.c, near.c, pixels.c, strided.c, transpose.c and turn.c. */
#ifndef TG_TARGETS_X86_MEMORY_ADDRESS_H
#define TG_TARGETS_X86_MEMORY_ADDRESS_H

#include "targets/x86/x86_internal.h"

typedef struct tg_x86_address {
    LLVMValueRef base;
    tg_x86_val offset; /* elements */
    LLVMValueRef mask; /* null: all */
    tg_dtype dtype;
    LLVMTypeRef element; /* in memory */
    unsigned align;
    bool is_buffer;
    int64_t plane; /* complex elements of a buffer: bytes from the real parts to the imaginary ones; 0: pairs */
    LLVMValueRef slot; /* of a buffer with static size: where its pointer is */
    /* Each lane is element `channel` of so many that lie side by side and exist if the lane does (pixels.c); 0: nothing of the kind. */
    int64_t channels, channel;
    LLVMValueRef points; /* the base without the channel */
    bool counted; /* the places are counted by a scan, so that the lanes that are on are likely side by side */
    LLVMValueRef until; /* of places that may be side by side: lanes from there on are outside, and so are those below 0, which the mask does not say; null: it does */
} tg_x86_address;

/* ---- access.c ---- */
static inline bool tg_x86_all_or_none(const tg_x86_address *a) { return a->mask && !tg_llvm_is_vector(a->mask); }
/* Opens a branch for the case of all lanes; the address for stores in it. The caller closes it. */
tg_x86_address tg_x86_open_all(tg_x86 *x, const tg_x86_address *a, tg_llvm_if *c);
LLVMValueRef tg_x86_load_elements(tg_x86 *x, const tg_x86_address *a);
void tg_x86_store_elements(tg_x86 *x, const tg_x86_address *a, LLVMValueRef v);
LLVMValueRef tg_x86_lane_mask(tg_x86 *x, LLVMValueRef mask); /* one bit per lane; all for null */
/* `step` is ±1: the lanes are consecutive elements, upwards or downwards. 0 otherwise. */
int tg_x86_direction(tg_x86_val offset);

/* Of the element that an op names; *inside: which lanes are within the tensor and the guards, null: all. */
tg_x86_address tg_x86_address_of(tg_x86 *x, tg_x86_frame *f, tg_op *op, LLVMValueRef *inside);
LLVMValueRef tg_x86_and_masks(tg_x86 *x, LLVMValueRef a, LLVMValueRef b); /* either may be null */
tg_x86_address tg_x86_address_in(tg_x86 *x, tg_x86_frame *f, tg_op *op); /* of a LOAD or STORE in a frame, its tests left out */

LLVMValueRef tg_x86_any_lane(tg_x86 *x, LLVMValueRef mask); /* one bit; null for null */

/* ---- gather.c ---- */
LLVMValueRef tg_x86_lane_pointers(tg_x86 *x, const tg_x86_address *a);
LLVMValueRef tg_x86_load_gather(tg_x86 *x, const tg_x86_address *a);
void tg_x86_store_scatter(tg_x86 *x, const tg_x86_address *a, LLVMValueRef v);
bool tg_x86_may_be_side_by_side(const tg_x86 *x, const tg_x86_address *a); /* is it a scatter of lanes that may be one store? */
bool tg_x86_has_such_masks(const tg_x86 *x, const tg_x86_address *a);
LLVMValueRef tg_x86_load_in_page(tg_x86 *x, const tg_x86_address *a); /* consecutive lanes under a mask that the machine has not */

/* ---- runs.c ---- */
/* Offsets of lanes over two axes; see there. */
typedef struct tg_x86_runs {
    LLVMValueRef at, outer, inner;
} tg_x86_runs;
bool tg_x86_runs_of(tg_x86 *x, const tg_x86_address *a, tg_x86_runs *r); /* false: not the offset of such lanes, or under a mask */
/* Are they consecutive, or the same in all lanes? The offset as such, else not to be used. */
bool tg_x86_is_even(const tg_x86 *x, const tg_x86_runs *r, tg_x86_val *offset);
/* Null or false if that is no way to read or write it. */
LLVMValueRef tg_x86_load_runs(tg_x86 *x, const tg_x86_address *a, const tg_x86_runs *r);
bool tg_x86_store_runs(tg_x86 *x, const tg_x86_address *a, const tg_x86_runs *r, LLVMValueRef v);
/* Of a tensor of complex elements. */
bool tg_x86_load_pair_runs(tg_x86 *x, const tg_x86_address *a, const tg_x86_runs *r, tg_x86_val *v);
bool tg_x86_store_pair_runs(tg_x86 *x, const tg_x86_address *a, const tg_x86_runs *r, tg_x86_val v);

/* ---- row_address.c ---- */
/* Constants in indices are not part of what loops compute: neighbouring elements, as windows have them, share the rest. Takes the
 * constant out of the index, of one that is nothing else if `all`, and gives the elements that it stands for; null: none, or the
 * stride is a constant, too. */
LLVMValueRef tg_x86_move_constant(tg_x86 *x, tg_x86_address *a, tg_x86_val *index, LLVMValueRef stride, bool all);
/* The address, of consecutive lanes, as a pointer that the points of a row share and `column` elements from there; null: none. */
void tg_x86_point_at_row(tg_x86 *x, tg_x86_address *a, LLVMValueRef column);

/* ---- strided.c ---- */
/* Lanes at a small constant distance; null: they are not. */
LLVMValueRef tg_x86_load_strided(tg_x86 *x, const tg_x86_address *a);
bool tg_x86_store_strided(tg_x86 *x, const tg_x86_address *a, LLVMValueRef v); /* false: they are not */

/* ---- pixels.c ---- */
void tg_x86_note_packed(tg_x86 *x, tg_value *tensor, uint32_t d, int64_t stride); /* the fast variant relies on it */
LLVMValueRef tg_x86_load_pixels(tg_x86 *x, const tg_x86_address *a); /* null: that is no way to read it */
/* A vector for each channel. Overwrites `channel`. */
void tg_x86_store_pixels(tg_x86 *x, const tg_x86_address *a, LLVMValueRef *channel);

/* ---- near.c ---- */
/* Lanes at constant distances, all within a vector; null: they are not, or under a mask. */
LLVMValueRef tg_x86_load_near(tg_x86 *x, const tg_x86_address *a);

/* ---- turn.c ---- */
bool tg_x86_is_turned(const tg_x86 *x, const tg_op *load); /* in the tile being worked on */
/* The lanes of one of its points, of all of which the first reads the rows; null: not lanes of such rows. The address has last stride 1. */
LLVMValueRef tg_x86_load_turned(tg_x86 *x, const tg_x86_frame *f, const tg_op *load, const tg_x86_address *a);

/* ---- prefetch.c ---- */
void tg_x86_request_operand(tg_x86 *x, const tg_op *op, const tg_x86_address *a);
/* The next block's, of what `v` is computed from, in a pass that leaves their memory idle. */
void tg_x86_request_operands_of(tg_x86 *x, tg_x86_frame *f, const tg_value *v);
void tg_x86_request_result(tg_x86 *x, const tg_x86_tensor *t, const tg_x86_address *a);

/* ---- transpose.c ---- */
LLVMValueRef tg_x86_load_columns(tg_x86 *x, const tg_x86_address *a); /* null if that is no way to read it */
/* 16 bytes from each of n places, side by side; offsets are added to that of `a`. */
LLVMValueRef tg_x86_load_blocks(tg_x86 *x, const tg_x86_address *a, const int64_t *offset, unsigned n);

/* ---- complex_access.c: `a` counts complex elements, a.element is one of their parts ---- */
tg_x86_val tg_x86_load_complex(tg_x86 *x, const tg_x86_address *a);
void tg_x86_store_complex(tg_x86 *x, const tg_x86_address *a, tg_x86_val v);

#endif
