/* The state of the nest of dot_emit.c, which dot_sizes.c plans and dot_emit.c, dot_panels.c and dot_tiles.c emit. */
#ifndef TG_X86_DOT_NEST_H
#define TG_X86_DOT_NEST_H

#include "targets/x86/dot/dot.h"

enum {
    TG_DOT_PACK_TILES = 8, /* tiles of rows from which on packing a panel may pay */
    TG_DOT_PACK_BROAD = 4, /* panels packed at a time */
    TG_DOT_PREFETCH_STEPS = 8
};

typedef struct tg_dot_panel {
    LLVMValueRef at;                       /* address of column 0 at the first reduction point */
    LLVMValueRef source;                   /* likewise where the first tile reads it, which packs it; null: packed before, or in place */
    LLVMValueRef column;                   /* of column 0, relative to the first */
    LLVMValueRef n_columns;                /* from there to the end of the axis */
    LLVMValueRef ahead;                    /* bytes: what to prefetch */
    LLVMValueRef quiet;                    /* i1: the panel needs no requests; null: it does, or has others */
    LLVMValueRef next_rows, request_step;  /* i1: the next tile's rows instead; bytes a step, not 0 */
    tg_dot_loop loops[TG_DOT_AXES];
    uint32_t n_loops;
    LLVMValueRef source_step;              /* from one point to the next at the source */
    LLVMValueRef next, next_step;          /* likewise what is requested of the next panel */
} tg_dot_panel;

typedef struct tg_dot_borders tg_dot_borders;
typedef struct tg_dot_masks tg_dot_masks;

typedef struct tg_dot_nest {
    tg_dot_emission e;
    tg_dot_side columns, rows;
    tg_dot_side across;             /* columns that may have unit stride along the reduction instead; not direct: none */
    tg_dot_side narrow_columns, narrow_rows; /* as they are stored, if narrower than the sums; not direct: cannot be read so */
    tg_dot_scratch panel_memory, row_memory;
    tg_dot_panel p;
    tg_axis *row_axes[TG_DOT_AXES]; /* the rows are their points, numbered with the last running fastest */
    uint32_t n_row_axes;
    LLVMValueRef row, n_rows;                                  /* of the tile: number of the first, rows from there to the end */
    LLVMValueRef row_at[TG_DOT_MAX_ROWS];                      /* address; rows past the last repeat it */
    LLVMValueRef row_index[TG_DOT_MAX_ROWS][TG_DOT_AXES];      /* relative */
    LLVMValueRef next_rows;                                    /* where those of the next tile are, if near; null: not known */
    LLVMValueRef in_line;                                      /* i1: all rows of a tile exist, and each is the next point of the last row axis */
    LLVMValueRef edge;                                         /* scratch block [rows][lanes·vecs] */
    tg_dot_scratch strip_memory;
    LLVMValueRef pays, streams;     /* i1: panels are packed; columns stream by. Null: always, never */
    LLVMValueRef group, block;      /* columns, rows: multiples of the tile's. Null: one panel, all rows */
    LLVMValueRef group_from, group_until, row_from, row_until;
    LLVMValueRef part[TG_DOT_AXES]; /* a long reduction runs in parts: points of each of its axes. Null: all there are */
    LLVMValueRef in_parts;          /* i1: more than one. Null: known to be short */
    bool slides;                    /* each part copies the window of its own to scratch */
    LLVMValueRef first, last;       /* i1: of the parts */
    LLVMValueRef strips, strip_bytes; /* [panel of the group][rows…][lanes·vecs]: sums between parts */
    LLVMValueRef strip;             /* of the panel */
    LLVMValueRef panels, panel_bytes; /* of the group, packed */
    LLVMValueRef in_place;            /* where column 0 lies at the first point of the part, if panels may be packed */
    LLVMValueRef next_crowds;         /* i1: a panel in place has no room in the second level beside another */
    bool copies;                      /* whole panels are packed by their first tile */
    tg_dot_scratch block_memory;
    LLVMValueRef packs_rows, packed_rows; /* i1: blocks of rows are packed, null: never; the block's address */
    LLVMValueRef correction;        /* last line of the panel: what the sums of a part start with; null: zeros */
    LLVMValueRef skips;             /* i1: products with what lies outside of a tensor are left out; null: never. See dot_border.c */
    tg_dot_borders *borders;
    tg_dot_masks *masks;            /* null: none. See dot_mask.c */
    LLVMValueRef hidden;            /* i1: no sum of the tile is read; null: some may be */
    bool unmasked;                  /* the roots run where all masks hold */
    LLVMValueRef as_stored; /* AMX, i1: rows are read as they are stored, and end where they end; otherwise zeros follow */
    bool compact; /* little code: one tile, panels always packed */
    bool exact;   /* all extents are known, see dot_exact.c */
} tg_dot_nest;

/* Can a single row stream as both sides are stored? */
static inline bool tg_dot_streams_narrow(const tg_dot_nest *n) {
    return n->narrow_columns.direct && n->narrow_rows.direct;
}

/* Do several rows stream, in groups? */
static inline bool tg_dot_streams_rows(const tg_dot_nest *n) {
    const tg_dot_emission *e = &n->e;
    return tg_x86_dot_packs_groups(e, &n->narrow_columns) && tg_x86_dot_streams_groups(e) && n->n_row_axes <= 1 && !tg_x86_dot_packs_across(e, &n->rows);
}

static inline LLVMValueRef tg_dot_size_of(tg_dot_nest *n, const tg_axis *a) {
    return n->e.x->ranges[a->rank].size;
}

static inline LLVMValueRef tg_dot_bytes_at(tg_dot_nest *n, LLVMValueRef base, LLVMValueRef index, LLVMValueRef step) {
    LLVMValueRef offset = LLVMBuildMul(n->e.l->builder, index, step, "");
    return tg_llvm_gep(n->e.l, n->e.l->i8, base, offset);
}

static inline LLVMValueRef tg_dot_choose(tg_dot_nest *n, LLVMValueRef test, LLVMValueRef yes, LLVMValueRef no) {
    return LLVMBuildSelect(n->e.l->builder, test, yes, no, "");
}

static inline LLVMValueRef tg_dot_line_bytes(tg_dot_nest *n) {
    return tg_llvm_i64(n->e.l, n->e.vecs * n->e.lanes * n->e.size);
}

static inline LLVMValueRef tg_dot_panel_width(tg_dot_nest *n) {
    return tg_llvm_i64(n->e.l, n->e.vecs * n->e.lanes);
}

static inline LLVMValueRef tg_dot_total_rows(tg_dot_nest *n) {
    return tg_x86_dot_points(&n->e, n->row_axes, n->n_row_axes);
}

static inline LLVMValueRef tg_dot_has_tiles(tg_dot_nest *n, LLVMValueRef rows, int64_t tiles) {
    return LLVMBuildICmp(n->e.l->builder, LLVMIntSGE, rows, tg_llvm_i64(n->e.l, tiles * n->e.rows), "");
}

/* ---- pieces of the nest, in the order in which they are used */

void tg_dot_open_part(tg_dot_nest *n);    /* (dot_panels.c) the reduction over a part; its panels are packed if that pays */
void tg_dot_locate_panel(tg_dot_nest *n); /* (dot_panels.c) of p.column */
void tg_dot_number_rows(tg_dot_nest *n);  /* (dot_emit.c) of a tile: row, n_rows */
void tg_dot_whole_tile(tg_dot_nest *n);   /* (dot_tiles.c) one tile of the panel, whole or at an edge, and its roots */

/* (dot_emit.c) Indices of the row axes for a row number. */
void tg_dot_decode_row(tg_dot_nest *n, LLVMValueRef row, LLVMValueRef *index);
/* (dot_tiles.c) `rows` rows of `vecs` vectors from column `from` of the panel on; `masked`: columns past n_columns do not exist. */
tg_dot_tile tg_dot_run_tile(tg_dot_nest *n, LLVMValueRef from, unsigned rows, unsigned vecs, bool masked);
void tg_dot_roots_in_registers(tg_dot_nest *n, const tg_dot_tile *t);

/* (dot_emit.c) Address at the first point of the part. */
LLVMValueRef tg_dot_address_of_row(tg_dot_nest *n, const LLVMValueRef *index);

/* (dot_tiles.c) The roots of n_rows lines of sums at `edge`, from the row of row_index[0] on. */
void tg_dot_roots_of_lines(tg_dot_nest *n, LLVMValueRef n_rows);
/* (dot_tiles.c) Likewise of `vecs` whole vectors of each, without masks. */
void tg_dot_roots_of_block(tg_dot_nest *n, LLVMValueRef n_rows, unsigned vecs);

/* (dot_few.c) Is the code for few rows, which would come here, left to another variant? The object says so then. */
bool tg_dot_leaves_few_out(tg_dot_nest *n);

/* (dot_stream_rows.c) May a few rows stream, in words of their own? Depends on the code alone. */
bool tg_dot_streams_few(const tg_dot_nest *n);

/* (dot_stream_along.c) May few rows be multiplied by columns as these lie along the reduction, which are not laid across then? Depends on the code alone. */
bool tg_dot_streams_along(const tg_dot_nest *n);
/* (dot_stream_along.c) Up to how many rows that pays. */
int64_t tg_dot_along_rows(const tg_dot_nest *n);
/* (dot_stream_along.c) Bytes of scratch for so many points. */
LLVMValueRef tg_dot_along_bytes(tg_dot_nest *n, LLVMValueRef points);
/* (dot_stream_along.c) Sums of the first k_until points, whole vectors of words of which the first is a multiple of the lanes. */
void tg_dot_stream_along(tg_dot_nest *n, const tg_dot_stream *s);

/* (dot_amx.c) What tg_x86_dot_plan_sizes does: parts lie within blocks, so that all that they read and write is in the second-level cache. */
void tg_dot_amx_sizes(tg_dot_nest *n);
/* (dot_amx.c) Sums of few rows over columns that stream by: of the first `until` points, a multiple of TG_AMX_STREAM, to the strips. */
void tg_dot_amx_stream(tg_dot_nest *n, LLVMValueRef until);
/* (dot_amx.c) The panels of the group with the rows of the block. */
void tg_dot_amx_block(tg_dot_nest *n);

/* (dot_border.c) Sets `skips`. */
void tg_dot_plan_borders(tg_dot_nest *n);
/* (dot_border.c) The group, which is one panel, without products with zeros at borders; to the slot *done: is that what the others would have given? */
void tg_dot_skip_borders(tg_dot_nest *n, LLVMValueRef done);

/* (dot_mask.c) Sets `masks`. */
void tg_dot_plan_masks(tg_dot_nest *n);
/* (dot_mask.c) Do all masks hold at all points of the tile, which is whole and in line? A truth value at run time. */
LLVMValueRef tg_dot_masks_hold(tg_dot_nest *n);
/* (dot_mask.c) Is no sum of the tile, which is whole, read? Null: some may be. */
LLVMValueRef tg_dot_is_hidden(tg_dot_nest *n);
/* (dot_mask.c) Roots that run in the frame find that all masks hold. */
void tg_dot_assume_masks(tg_dot_nest *n, tg_x86_frame *f);

/* (dot_exact.c) Are the extents known, and small enough for one part, group and block? Then every tile gets its exact size. */
bool tg_x86_dot_is_exact(tg_dot_nest *n);
void tg_x86_dot_exact(tg_dot_nest *n);

/* (dot_panels.c) May panels be packed by the tiles that read them first? Those wait for what they read from far, as a loop that only copies would, but
 * compute meanwhile; and other tiles request the next panel. Depends on the code alone. */
bool tg_dot_may_copy(const tg_dot_nest *n);
/* (dot_sizes.c) Do `count` lines of a panel that lie `step` bytes apart find no room in `bytes` of a cache? */
LLVMValueRef tg_dot_crowds(tg_dot_nest *n, LLVMValueRef step, LLVMValueRef count, int64_t bytes);

/* Chooses sizes of groups, parts and blocks, and what is packed. Emits at the builder's position. */
void tg_x86_dot_plan_sizes(tg_dot_nest *n);

#endif
