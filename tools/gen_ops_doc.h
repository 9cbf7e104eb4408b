/* docs/ops.md from ops.def and attrs.def. A test compares the file with the text. */
#ifndef TG_TOOLS_GEN_OPS_DOC_H
#define TG_TOOLS_GEN_OPS_DOC_H

#include "base/arena.h"

void gen_ops_doc(tg_strbuf *out);

#endif
