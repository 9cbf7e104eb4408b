// `where ids < V` proves a gathered index below the extent; without it the load keeps its check in that dimension.
// RUN: %tegula compile %s --kernel known --emit passes | FileCheck %s --check-prefix=KNOWN
// RUN: %tegula compile %s --kernel unknown --emit passes | FileCheck %s --check-prefix=UNKNOWN
// KNOWN: load %ids, {{.*}} {in_bounds=1}
// KNOWN: load %X, {{.*}} {in_bounds={{[23]}}}
// UNKNOWN: load %ids, {{.*}} {in_bounds=1}
// UNKNOWN: load %X, {{.*}} {in_bounds=2}
kernel known(in f32 X[V, D], in i32 ids[N], out f32 Y[N, D])
    where ids < V
{
    grid (i in N, d in D) Y[i, d] = X[ids[i], d];
}
kernel unknown(in f32 X[V, D], in i32 ids[N], out f32 Y[N, D])
{
    grid (i in N, d in D) Y[i, d] = X[ids[i], d];
}
