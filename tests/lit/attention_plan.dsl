// The scores are scaled and masked on the accumulators, so that two walks read them as they are; factors of rows are computed as vectors
// before the exponentials; the second product writes what the loop carries on. Keys and values are read in place.
// RUN: %tegula compile %tutorials/06-attention/attention.dsl --set D=64 --set E=64 --set causal=true --emit plan --arch avx2 | FileCheck %s
// CHECK: nest i e x8 *4: copy %o
// CHECK: dot vector i of operand 0, row j, over d
// CHECK-NEXT: nest i x8 *4 | j: reduce max
// CHECK-NEXT: nest i x{{[0-9]+}} *{{[0-9]+}}: fill mul
// CHECK-NEXT: nest i x{{.*}} | j: fill mul -> {{.*}}, reduce add
// CHECK-NEXT: dot vector e of operand 1, row i, over j
// CHECK-NOT: nest i e {{.*}}: copy
// CHECK: nest i e x8 *4: store
// The backward form walks once over the scores: a loop around another has blocks as an axis of the grid.
// RUN: %tegula compile std:attention_bwd --set D=64 --set E=64 --set causal=true --absent bias --absent slopes --emit passes --arch avx2 | FileCheck --check-prefix=BWD %s
// BWD: #j loop block=64, #i.1 loop block=96
// Keys and values are laid across by calls, once for all queries; the dots write what the loop over queries carries, as it lies; only the form for
// other strides packs panels.
// RUN: %tegula compile std:attention_bwd --set D=64 --set E=64 --set causal=true --absent bias --absent slopes --emit plan --arch avx2 | FileCheck --check-prefix=PLAN %s
// PLAN: nest d j: fill load
// PLAN-NEXT: nest e j: fill load
// PLAN: nest j e x8 *4: copy %dv
// PLAN-NEXT: nest j d x8 *4: copy %dk
// PLAN-NEXT: dot vector j of operand 1, row i, over d
// PLAN-NEXT: dot vector j of operand 1, row i, over e
// PLAN-NEXT: dot vector e of operand 1, row j, over i
// PLAN-NEXT: dot vector d of operand 1, row j, over i
// PLAN-NEXT: dot vector d of operand 1, row i, over j
// PLAN-NOT: copy
// RUN: %tegula compile std:attention_bwd --set D=64 --set E=64 --set causal=true --absent bias --absent slopes --emit llvm --arch avx2 | FileCheck --check-prefix=CODE %s
// CODE-COUNT-3: define {{.*}}pack_panels
// CODE-NOT: define {{.*}}pack_panels
