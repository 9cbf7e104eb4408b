/* docs/stdlib.md from stdlib/stdlib.def and the kernels' signatures. */
#ifndef TG_TOOLS_GEN_STDLIB_DOC_H
#define TG_TOOLS_GEN_STDLIB_DOC_H

#include "base/arena.h"
#include "tegula/context.h"

/* False if a kernel of the table does not load: tg_last_error(context). */
bool gen_stdlib_doc(tg_context *context, tg_strbuf *out);

#endif
