/* The fast path of `dot` on x86: a GEMM-shaped loop nest around the register tile of dot_kernel.h.
 *
 *   for batch axes                     axes of the vector side other than `vector`, or of both sides
 *     [pack the rows]                  if the broadcast side cannot be read in place, or only with many misses: all, or in blocks
 *     for v by 64                      one panel of the vector side
 *       [pack the panel]               [reduction…][64], zero padded
 *       for rows axes, r by 6          register tile: all reduction loops inside
 *         roots                        consumers run on the accumulators
 *
 *   dot_plan.c  which axis plays which part     dot_side.c  addresses and packing of an operand
 *   dot_emit.c  the loops                       dot_kernel.c  the register tile
 *   dot_panels.c  panels of the vector side     dot_tiles.c  tiles, edges, roots
 *   dot_sizes.c groups, parts, blocks           dot_exact.c  known extents
 *   dot_part.c  parts of the reduction
 *   dot_groups.c  small integers and bf16, several to a word
 *   dot_amx.c  these on tile registers
 *   dot_rows.c  blocks of packed rows
 *   dot_few.c  code for few rows left out
 *   dot_stream.c  one row against a large vector side; dot_stream_rows.c  a few; dot_stream_groups.c  few, several elements to a word
 *   dot_stream_along.c  few rows against columns that lie along the reduction
 *   dot_border.c  windows that leave the tensor: products with zeros left out
 *   dot_mask.c  comparisons of indices that hold in all of a tile, or in none of it
 *
 * `dot` is symmetric: either operand can be the vector side. What can be read in place is read in place; everything else (other
 * dtypes, computed operands, gathers, strides other than 1) is evaluated into scratch in the accumulator's dtype, so that all
 * of these run at the speed of the plain kernel. */
#ifndef TG_X86_DOT_H
#define TG_X86_DOT_H

#include "targets/x86/dot/dot_kernel.h"
#include "targets/x86/x86_internal.h"

#define TG_DOT_AXES 12

typedef struct tg_x86_dot {
    tg_op *op;
    uint32_t side;              /* operand that lies along `vector`; the other one is broadcast */
    tg_axis *vector, *row;      /* row: null if the broadcast side has no axis of its own */
    tg_axis *batch[TG_DOT_AXES], *rows[TG_DOT_AXES], *over[TG_DOT_AXES]; /* outermost first */
    uint32_t n_batch, n_rows, n_over;
    tg_dtype dtype;             /* of the accumulators: f32, f64, i32 or u32 */
    unsigned group;             /* points of the last reduction axis that share an element of the accumulators' size: 1, 2, 4 */
    tg_dot_multiply multiply;   /* accordingly */
    bool same_signs;            /* bytes of equal signedness, which vpdpbusd does not multiply */
    bool flip_rows;             /* the sign bits of packed rows are flipped, which a correction per panel undoes */
    bool amx;                   /* multiplied by tile registers, see dot_amx.c */
    TG_VEC(tg_x86_root) roots;  /* run on each vector of results; FILL and STORE over exactly the result's axes */
} tg_x86_dot;

/* How to run this DOT here; null if the general nest serves better. */
tg_x86_dot *tg_x86_dot_plan(tg_x86 *x, tg_op *op);
/* Should the DOT operand `use` be a buffer? `otherwise`: what holds if the dot is not on its fast path. */
bool tg_x86_dot_wants_buffer(tg_x86 *x, const tg_use *use, bool otherwise);
/* The axis a buffer of `v` should have innermost: the vector axis of a dot that reads it as its vector side, or `otherwise`. */
tg_axis *tg_x86_dot_innermost(tg_x86 *x, tg_value *v, tg_axis *otherwise);
/* Rows and vectors of the register tile: what the machine holds, or what the schedule says if that fits. */
void tg_x86_dot_register_tile(tg_x86 *x, const tg_x86_dot *d, unsigned *rows, unsigned *vecs);
const tg_sched_item *tg_x86_sched_pack(const tg_x86 *x, const tg_value *v); /* `pack(X)` for a load of X, or null */
/* Fills the buffer of a load whose lines run across those of the tensor, if that is what the nest does: false otherwise. */
bool tg_x86_dot_lay_across(tg_x86 *x, const tg_x86_nest *n);
/* Register tiles other than the machine's own (offer.c). */
void tg_x86_offer_tiles(tg_x86 *x, const tg_x86_dot *d, unsigned rows, unsigned vecs, unsigned lanes);
void tg_x86_dot_describe(tg_x86 *x, const tg_x86_dot *d, tg_strbuf *out); /* one line of the plan's text */
void tg_x86_emit_dot(tg_x86 *x, const tg_x86_dot *d);

/* ---- blocks (dot_block.c) --------------------------------------------------------------------------------- */

/* The upper limit of an unscheduled grid axis of a phase with a dot; false if the axis is not one of a dot's. */
bool tg_x86_dot_default_block(tg_x86 *x, const tg_axis *a, int64_t *limit);
typedef struct tg_x86_dot_grid {
    const tg_axis *vector, *row;           /* axes whose blocks are free, or null */
    const tg_x86_dot *dot;
    LLVMValueRef vector_block, row_block;  /* chosen */
} tg_x86_dot_grid;
/* Is the product the body of its tasks, and not of a loop in them? */
bool tg_x86_dot_runs_once(const tg_x86_dot *d);
/* False if the phase is not a single contraction. */
bool tg_x86_dot_grid_of(tg_x86 *x, tg_op *phase, tg_x86_dot_grid *g);
typedef struct tg_x86_dot_shape {
    LLVMValueRef vector, row; /* known at launch; one: not of the grid, or its blocks are not free */
    LLVMValueRef others;      /* tasks that the other axes make */
} tg_x86_dot_shape;
/* Does a window not move along the row axis `a`, as along images? Few of them are taken together then: TG_DOT_ROWS_TOGETHER rows read a panel. */
bool tg_x86_dot_is_image(tg_x86 *x, const tg_x86_dot *d, const tg_axis *a);
/* Blocks for these extents, to g. */
void tg_x86_dot_blocks(tg_x86 *x, tg_op *phase, LLVMValueRef threads, const tg_x86_dot_shape *e, tg_x86_dot_grid *g);

/* ---- inside the fast path ------------------------------------------------------------------------------- */

/* One operand as memory: element address = base + Σ step[i] · (index[i] - first[i]), in bytes. */
typedef struct tg_dot_side {
    tg_value *value;
    bool direct;               /* false: has to be packed */
    bool packed;               /* was packed before the launch, see packed.c; direct */
    bool of_part;              /* `base` is where the part begins, not the reduction */
    LLVMValueRef base;
    tg_axis *axes[TG_DOT_AXES * 2];
    LLVMValueRef step[TG_DOT_AXES * 2];
    uint32_t n_axes;
} tg_dot_side;

typedef struct tg_dot_scratch { /* memory of this instance whose size is known at run time */
    LLVMValueRef pointer, capacity; /* stack slots */
} tg_dot_scratch;

typedef struct tg_dot_emission {
    tg_x86 *x;
    tg_llvm *l;
    const tg_x86_dot *d;
    LLVMTypeRef elem, vector;
    unsigned lanes, vecs, rows, size; /* size: bytes of an element */
    tg_axis *bound[TG_DOT_AXES * 2];  /* axes that loops around have fixed */
    LLVMValueRef index[TG_DOT_AXES * 2];
    uint32_t n_bound;
    tg_dtype stored;                  /* of columns that were packed before the launch, if their elements are narrower than words; NONE: words */
    LLVMValueRef apart;               /* AMX: bytes from a vector of a panel's line to the next; null: they lie side by side */
    LLVMValueRef from[TG_DOT_AXES], count[TG_DOT_AXES]; /* the part of each reduction axis that is being worked on, relative */
} tg_dot_emission;
/* Iterations over reduction axis i in all: its size, or its groups. Parts and the sides' steps count in these. */
LLVMValueRef tg_x86_dot_extent(const tg_dot_emission *e, uint32_t i);
LLVMValueRef tg_x86_dot_extents(const tg_dot_emission *e, uint32_t from); /* product of those from reduction axis `from` on */

LLVMValueRef tg_x86_dot_counts(const tg_dot_emission *e, uint32_t from); /* likewise of the part */
void tg_x86_dot_whole(tg_dot_emission *e); /* the part is the whole reduction */

/* Can the operand's memory be read in place (in the fast variant)? `unit` is the axis that must have stride 1, or null. */
bool tg_x86_dot_is_direct(tg_x86 *x, tg_value *v, tg_dtype dtype, const tg_axis *unit);
/* The same by the code alone: is the operand a load in place? */
bool tg_x86_dot_may_stay(tg_x86 *x, tg_value *v, tg_dtype dtype, const tg_axis *unit);
/* The same of a load of what the kernel does not write, which then stays although others read a buffer of it. */
bool tg_x86_dot_needs_no_buffer(tg_x86 *x, tg_value *v, tg_dtype dtype, const tg_axis *unit);
void tg_x86_check_packed(tg_x86 *x);                        /* refuses kernels that read that operand in another way */
void tg_x86_dot_open_packed(tg_dot_emission *e, tg_dot_side *s, const tg_axis *vector);
/* Where a packed panel, whose column 0 at the first reduction point is at `panel`, has what its sums start with. */
LLVMValueRef tg_x86_dot_packed_sums(const tg_dot_emission *e, LLVMValueRef panel);
void tg_x86_dot_side_open(tg_dot_emission *e, tg_dot_side *s, tg_value *v, const tg_axis *unit);
/* Likewise, of columns for which no axis has to have stride 1. */
void tg_x86_dot_side_across(tg_dot_emission *e, tg_dot_side *s, tg_value *v);
/* Likewise, of an operand whose elements are 8 or 16 bits wide, as they are stored: what reads them converts them. */
void tg_x86_dot_side_narrow(tg_dot_emission *e, tg_dot_side *s, tg_value *v, const tg_axis *unit);
LLVMValueRef tg_x86_dot_step(const tg_dot_emission *e, const tg_dot_side *s, const tg_axis *a); /* 0 if independent */
LLVMValueRef tg_x86_dot_part_base(const tg_dot_emission *e, const tg_dot_side *s); /* address at the first point of the part */
void tg_x86_dot_bind(tg_dot_emission *e, tg_axis *a, LLVMValueRef relative); /* index = first + relative */
tg_x86_frame *tg_x86_dot_frame(tg_dot_emission *e);
/* Lanes l with at + l < limit. */
LLVMValueRef tg_x86_dot_lanes_below(tg_dot_emission *e, LLVMValueRef at, LLVMValueRef limit);
tg_dot_scratch tg_x86_dot_scratch(tg_x86 *x);
LLVMValueRef tg_x86_dot_reserve(tg_x86 *x, tg_dot_scratch *s, LLVMValueRef bytes); /* the address */
LLVMValueRef tg_x86_dot_points(tg_dot_emission *e, tg_axis *const *axes, uint32_t n); /* product of the sizes */
typedef struct tg_dot_panels {
    LLVMValueRef to;        /* the first; [over…][lanes·vecs] each */
    LLVMValueRef bytes;     /* from one to the next */
    LLVMValueRef at, limit; /* columns: the first, and where the axis ends */
    unsigned n;             /* more than one: all columns exist */
    LLVMValueRef done;      /* points of the first reduction axis that are packed already; null: none */
} tg_dot_panels;
/* Evaluates the vector side's columns [at, at + n·lanes·vecs) ∩ [0, limit) at every reduction point of the part. */
void tg_x86_dot_pack_panels(tg_dot_emission *e, const tg_dot_side *s, const tg_dot_panels *p);
/* Is it better to pack several panels at a time: are they copied, and without masks? */
bool tg_x86_dot_packs_broad(const tg_dot_emission *e, const tg_dot_side *s);
/* Are groups of the rows laid out as [group][row], since they come from a buffer where rows lie side by side? Otherwise a row's are. */
bool tg_x86_dot_packs_across(const tg_dot_emission *e, const tg_dot_side *s);
/* Evaluates the broadcast side for all rows; `s` is then direct. */
void tg_x86_dot_pack_rows(tg_dot_emission *e, tg_dot_side *s, tg_dot_scratch *to);
/* Likewise in groups of one reduction axis, unless they lie so already: `stored` reads the elements as they are stored. Gives back whether they do. */
LLVMValueRef tg_x86_dot_place_groups(tg_dot_emission *e, tg_dot_side *s, const tg_dot_side *stored, tg_dot_scratch *to);
/* Is `v`, the broadcast side, a load whose positions overlap as those of a sliding window do? */
bool tg_x86_dot_has_window(tg_x86 *x, const tg_x86_dot *d, const tg_value *v);
/* Are the rows such a window, which the reduction moves farther than they do, as a filter's gradient does? */
bool tg_x86_dot_slides(tg_x86 *x, const tg_x86_dot *d);
/* Copies the box of the tensor that all rows touch, in the part if `of_part`; `s` is then direct. */
void tg_x86_dot_stage_window(tg_dot_emission *e, tg_dot_side *s, tg_dot_scratch *to, bool of_part);

/* ---- blocks of packed rows (dot_rows.c) ----------------------------------------------------------------------- */

/* The rows of a register tile. */
typedef struct tg_dot_rows {
    tg_value *value;
    const LLVMValueRef *at;                    /* addresses at the first point of the part, unit stride; null: not in place */
    LLVMValueRef ahead;                        /* bytes to what is read next */
    tg_axis *const *axes;                      /* otherwise: the axes that the rows run over */
    uint32_t n_axes;
    const LLVMValueRef (*index)[TG_DOT_AXES];  /* relative */
    unsigned n;                                /* how many */
    LLVMValueRef count;                        /* points */
} tg_dot_rows;
/* May rows be packed by tile? Depends on the code alone. */
bool tg_x86_dot_packs_tiles(tg_x86 *x, const tg_x86_dot *d);
/* Packs the points as [point][row]; writes up to a vector of points too many. */
void tg_x86_dot_pack_tile(tg_dot_emission *e, const tg_dot_rows *r, LLVMValueRef to);
/* Likewise the points of several reduction axes, of rows in place; `neighbours`, i1: they lie side by side. */
void tg_x86_dot_pack_box(tg_dot_emission *e, const tg_dot_side *s, const tg_dot_rows *rows, LLVMValueRef neighbours, LLVMValueRef to);
/* Has `s`, read in place, unit stride along the last reduction axis? A truth value at run time. */
LLVMValueRef tg_x86_dot_has_runs(const tg_dot_emission *e, const tg_dot_side *s);
/* Packs a whole panel of columns that have runs, `s`, as rows are: a run at a time, or all of them where each begins at the end of the one before. */
void tg_x86_dot_pack_columns(tg_dot_emission *e, const tg_dot_side *s, const tg_dot_panels *p);
/* Are columns that are not read in place computed from what lies along the reduction, or grouped of it? */
bool tg_x86_dot_packs_along(const tg_dot_emission *e, const tg_dot_side *s);
/* Do the loads that `s` is computed from follow one another along the reduction, of one axis, or is it in a buffer that does? */
bool tg_x86_dot_lies_along(const tg_dot_emission *e, const tg_dot_side *s);
/* Packs a panel of such columns, vectors of points at a time. Gives back how many points, or groups, of the part: whole vectors. */
LLVMValueRef tg_x86_dot_pack_along(tg_dot_emission *e, const tg_dot_side *s, const tg_dot_panels *p);
/* (dot_side.c) A column at a vector of points, or of groups, from the k-th of the part on, whose first point is a multiple of the lanes. */
LLVMValueRef tg_x86_dot_column_vector(tg_dot_emission *e, const tg_dot_side *s, LLVMValueRef column, LLVMValueRef k);
/* (dot_side.c) Requests what a later tile reads of it there, if it is loaded. */
void tg_x86_dot_request_column(tg_dot_emission *e, const tg_dot_side *s, LLVMValueRef column, LLVMValueRef k);
/* (dot_side.c) Row i at a vector of points k … of the part, or at k alone. */
LLVMValueRef tg_x86_dot_row_vector(tg_dot_emission *e, const tg_dot_rows *r, unsigned i, LLVMValueRef k);
LLVMValueRef tg_x86_dot_row_element(tg_dot_emission *e, const tg_dot_rows *r, unsigned i, LLVMValueRef k);

/* ---- groups of narrow elements (dot_groups.c) -------------------------------------------------------------- */

void tg_x86_dot_plan_groups(tg_x86 *x, tg_x86_dot *d); /* sets group, multiply, same_signs, flip_rows, amx */
unsigned tg_x86_dot_part_bytes(const tg_dot_emission *e); /* bytes of a member of a group */
/* Vector v of the line of a packed panel that `line`, its first one, belongs to; bytes from there to the next line. */
LLVMValueRef tg_x86_dot_panel_vector(tg_dot_emission *e, LLVMValueRef line, unsigned v);
unsigned tg_x86_dot_panel_step(const tg_dot_emission *e);
/* Columns of a strip of sums, and of the edge block: a panel's, or with AMX those of a block of sums. */
unsigned tg_x86_dot_strip_columns(const tg_dot_emission *e);
/* Values of dtype `from` as members of a group of the rows; scalar or vector. */
LLVMValueRef tg_x86_dot_row_part(tg_dot_emission *e, LLVMValueRef v, tg_dtype from);
/* Words of a column at `lanes` groups, whose points follow one another in `group` vectors. */
LLVMValueRef tg_x86_dot_run_of_groups(tg_dot_emission *e, const LLVMValueRef *points, tg_dtype from);
/* Words of the panel's columns from vectors of `from`, one per member; `keep` says which bits of each word stay. */
LLVMValueRef tg_x86_dot_group(tg_dot_emission *e, const LLVMValueRef *members, tg_dtype from, LLVMValueRef keep);
/* The bits of the members of a group of which `left` >= 1 exist. */
LLVMValueRef tg_x86_dot_group_keep(tg_dot_emission *e, LLVMValueRef left);
/* Makes of a vector of each of `group` lines as many vectors of words. Every 128 bits for themselves: of the columns that lie there in the lines,
 * vector i has the i-th run. */
void tg_x86_dot_interleave(tg_dot_emission *e, LLVMValueRef *v);
/* May whole panels of `columns`, which are read as they are stored, be packed by tg_x86_dot_pack_groups? */
bool tg_x86_dot_packs_groups(const tg_dot_emission *e, const tg_dot_side *columns);
/* Packs the whole groups of whole panels: of columns [at, limit), `strip` of them at a time, while what lies `ahead` bytes further is requested.
 * Gives back how many groups. */
LLVMValueRef tg_x86_dot_pack_groups(tg_dot_emission *e, const tg_dot_side *columns, const tg_dot_panels *p, LLVMValueRef strip, LLVMValueRef ahead);
/* Computes what the sums of each column of a packed panel start with, if rows are flipped: a line of the panel's width. */
void tg_x86_dot_correct(tg_dot_emission *e, LLVMValueRef panel, const tg_dot_loop *loops, LLVMValueRef line);

/* ---- tile registers (dot_amx.c) -------------------------------------------------------------------------------- */

enum { TG_DOT_ROWS_TOGETHER = 512 };
enum { TG_AMX_ROWS = 16, TG_AMX_BYTES = 64 /* of a row of a tile */, TG_AMX_TILES = 2 /* side by side in a block of sums */,
       TG_AMX_STREAM = 64 /* lines, at most, that stream by at a time */ };

/* Rows up to which those that stream do not. */
static inline int64_t tg_x86_dot_stream_vectors(const tg_x86_dot *d) { return d->multiply == TG_DOT_PAIRS_BF16 ? 1 : 8; }
/* May the product, of bf16 or of bytes, run on tile registers? */
bool tg_x86_dot_suits_amx(tg_x86 *x, const tg_x86_dot *d);

/* ---- one row (dot_stream.c), few rows in groups (dot_stream_groups.c) ------------------------------------------ */

enum { TG_DOT_STREAM_LINES = 8, TG_DOT_STREAM_AHEAD = 256 /* bytes to prefetch */, TG_DOT_STREAM_BYTES = 16384,
       TG_DOT_STREAM_FEW = 192 /* rows in all, in words of their own */,
       TG_DOT_STREAM_ALONG = 16, /* rows, where columns lie along the reduction */
       TG_DOT_STREAM_ROWS = 48, TG_DOT_STREAM_SLICE = 256 /* in groups: rows, columns at a time, at most */ };

typedef struct tg_dot_stream {
    LLVMValueRef columns, column_step; /* address of column 0 at reduction point 0, in place; bytes per reduction point */
    LLVMValueRef row, row_step;        /* likewise */
    LLVMValueRef n_rows;               /* more than one: in groups with masks, or up to TG_DOT_STREAM_FEW */
    LLVMValueRef rows_apart;           /* then: bytes from one row to the next. Null: one at most */
    LLVMValueRef words, words_apart;   /* rows as groups, packed, and bytes from one row to the next */
    LLVMValueRef scratch;              /* for groups: TG_DOT_STREAM_BYTES; along: tg_dot_along_bytes */
    tg_dtype column_type, row_type;    /* as they are stored */
    LLVMValueRef n_columns;
    LLVMValueRef k_until;              /* reduction points: a multiple of TG_DOT_STREAM_LINES */
    LLVMValueRef sums, strip_bytes;    /* out: sums over them, [panel][row][column], where a panel takes strip_bytes */
} tg_dot_stream;
/* Are the operands, which are read as they are stored, multiplied in groups of lines? */
bool tg_x86_dot_streams_groups(const tg_dot_emission *e);
/* Adds to the sums those of columns from the first on; gives back the column where it stops: n_columns if there are masks. */
LLVMValueRef tg_x86_dot_stream_groups(tg_dot_emission *e, const tg_dot_stream *s);
void tg_x86_dot_stream(tg_dot_emission *e, const tg_dot_stream *s);
/* Where the sum of a row and a column is. */
LLVMValueRef tg_x86_dot_stream_sum(const tg_dot_emission *e, const tg_dot_stream *s, LLVMValueRef row, LLVMValueRef column);
/* Clears all sums, whole panels. */
void tg_x86_dot_stream_clear(tg_dot_emission *e, const tg_dot_stream *s);
/* i1: are the columns requested? */
LLVMValueRef tg_x86_dot_stream_requests(tg_dot_emission *e, const tg_dot_stream *s);
/* Requests the lines of the caches that follow those of the `bytes` at each of the LINES addresses, if so. */
void tg_x86_dot_stream_request(tg_dot_emission *e, LLVMValueRef requests, const LLVMValueRef *at, int64_t bytes);
/* Rows of a tile of a few: what four sums of whole lines of the caches keep busy takes eight of half a line. */
static inline unsigned tg_x86_dot_stream_height(const tg_machine *m) { return m->has_masks ? 2 : 4; }
/* (dot_stream_rows.c) Likewise of a few rows, columns of the type of the sums. */
void tg_x86_dot_stream_few(tg_dot_emission *e, const tg_dot_stream *s);

#endif
