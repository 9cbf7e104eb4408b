/* Memory of tensors and buffers: what the files of this folder offer to others. */
#ifndef TG_TARGETS_X86_MEMORY_MEMORY_H
#define TG_TARGETS_X86_MEMORY_MEMORY_H

#include "targets/x86/x86_internal.h"

/* ---- access.c ---- */
/* Is the load's or store's index d an axis whose domain the entry can compare with the tensor? */
bool tg_x86_checkable_at_launch(const tg_op *op, uint32_t d, tg_value **extent);
bool tg_x86_checked_at_launch(tg_x86 *x, const tg_op *op, uint32_t d); /* in the fast variant: makes the entry do so */
bool tg_x86_may_be_unit(const tg_value *tensor); /* can its last stride be known to be 1 in the fast variant? */
void tg_x86_note_unit(tg_x86 *x, tg_value *tensor); /* the fast variant relies on its last stride being 1 */
tg_x86_val tg_x86_load_tensor(tg_x86 *x, tg_x86_frame *f, tg_op *op);
void tg_x86_store_tensor(tg_x86 *x, tg_x86_frame *f, tg_op *op);
/* Of all channels of a point: op[k] in frame f[k] is for channel k. */
void tg_x86_store_channels(tg_x86 *x, tg_x86_frame **f, tg_op **op, uint32_t n);
tg_x86_val tg_x86_load_back(tg_x86 *x, tg_x86_frame *f, tg_op *store); /* of the element that it wrote */
tg_x86_val tg_x86_buffer_load(tg_x86 *x, tg_x86_frame *f, tg_x86_buffer *b);
LLVMValueRef tg_x86_buffer_pointer(tg_x86 *x, tg_x86_frame *f, tg_x86_buffer *b); /* address of a point */
void tg_x86_buffer_store(tg_x86 *x, tg_x86_frame *f, tg_x86_buffer *b, tg_x86_val v);
LLVMValueRef tg_x86_alloca(tg_x86 *x, LLVMTypeRef type);

/* ---- lengths.c ---- */
typedef bool (*tg_x86_length_test)(const tg_value *length, void *user);
/* Does the test hold of the length of dimension d, or of a value that the launch makes sure it is equal to? */
bool tg_x86_some_length(const tg_value *tensor, uint32_t d, tg_x86_length_test test, void *user);

/* ---- pixels.c ---- */
/* The elements that dimensions d + 1 … of a tensor are, literally and four at most, and may lie close; 0: they are not such. */
int64_t tg_x86_elements_of_point(const tg_x86 *x, const tg_value *tensor, uint32_t d);
/* As many are stride d in the fast variant; 0: it takes nothing for granted. */
int64_t tg_x86_packed_stride(const tg_x86 *x, const tg_value *tensor, uint32_t d);

/* ---- packed.c ---- */
bool tg_x86_is_packed(const tg_x86 *x, const tg_value *v); /* a load of the operand that was packed before the launch */

/* ---- apart.c ---- */
bool tg_x86_is_distinct(const tg_value *tensor); /* does it overlap no other? */
bool tg_x86_is_relaxed(const tg_op *op); /* an ATOMIC that is only about other instances of its phase */
bool tg_x86_is_plain_atomic(const tg_x86 *x, const tg_op *op); /* an ATOMIC that may read, change and write */

/* ---- atomic.c ---- */
tg_x86_val tg_x86_atomic(tg_x86 *x, tg_x86_frame *f, tg_op *op);

/* ---- buffer.c ---- */
tg_x86_buffer *tg_x86_buffer_create(tg_x86 *x, const tg_type *type, tg_axis *innermost);
void tg_x86_buffer_reserve(tg_x86 *x, tg_x86_buffer *b); /* code that makes room: before the first store in a nest */

/* ---- prefetch.c ---- */
/* Asks for the lines of `n` elements from where a LOAD or STORE would begin. */
void tg_x86_prefetch_tensor(tg_x86 *x, tg_x86_frame *f, tg_op *op, unsigned n);
/* Likewise to the second-level cache, for later. */
void tg_x86_prefetch_tensor_early(tg_x86 *x, tg_x86_frame *f, tg_op *op, unsigned n);
/* What the loop over whole vectors of a nest requests; `stream`: its stores go past the caches. */
tg_x86_ahead tg_x86_ahead_of(const tg_x86 *x, const tg_x86_nest *n, bool stream);

/* ---- stream.c ---- */
bool tg_x86_is_one_line(const tg_x86_nest *n); /* is the innermost loop the only one around it that reduces? */
/* Should the loop over full vectors of this nest store past the caches? Null: never. Code goes where the builder is. */
LLVMValueRef tg_x86_stream_test(tg_x86 *x, const tg_x86_nest *n);
LLVMValueRef tg_x86_is_large(tg_x86 *x, const tg_x86_tensor *t, int64_t least); /* has it so many bytes? Computed once per task */
const tg_axis *tg_x86_axis_of(const tg_value *v); /* whose index `v` is, or null */
bool tg_x86_is_only_use(const tg_op *store); /* of its tensor, once per instance */
void tg_x86_stream_store(tg_x86 *x, LLVMValueRef v, LLVMValueRef at, unsigned align);
void tg_x86_stream_end(tg_x86 *x); /* at the end of a task */

/* ---- turn.c ---- */
/* For a nest that only stores and reads rows across its lanes: a tile of as many points as lanes. */
void tg_x86_choose_turn(tg_x86 *x, tg_x86_nest *n);
LLVMValueRef tg_x86_may_turn(tg_x86 *x, const tg_x86_nest *n); /* i1: the strides are as it takes for granted; null: there is nothing to turn */

/* ---- wrap.c ---- */
/* MIN and MAX of an index where they do nothing; false: they may. */
bool tg_x86_eval_clamped(tg_x86 *x, tg_x86_frame *f, const tg_op *op, tg_x86_val *out);
/* DIV and REM of an index where that is easier than a division; false: it is not. */
bool tg_x86_eval_quotient(tg_x86 *x, tg_x86_frame *f, tg_op *op, tg_x86_val *out);
/* `index` is `from` and some whole vectors. */
void tg_x86_note_multiple(tg_x86 *x, LLVMValueRef index, LLVMValueRef from);
bool tg_x86_is_multiple(const tg_x86 *x, LLVMValueRef v, unsigned of);

/* ---- interior.c ---- */
void tg_x86_choose_interior(tg_x86 *x, tg_x86_nest *n);
/* Cuts the interval [*lo, *hi) of the vector axis, the other outer axes being at frame `f`, to its interior; maybe to nothing: hi <= lo. */
void tg_x86_interior_of(tg_x86 *x, const tg_x86_nest *n, const tg_x86_frame *f, LLVMValueRef *lo, LLVMValueRef *hi);

#endif
