(** Constants of the squared, Huber and Poisson losses of a linear predictor, and of the ridge, from the losses themselves. *)

From Coq Require Import Reals Lra Psatz List.
From Coquelicot Require Import Coquelicot.
From Book Require Import Vectors Calculus Predictor Distance Minimiser.
Open Scope R_scope.

(** ** The squared loss (x.w - y)^2/2 *)

Definition squared_loss y z := (z - y) * (z - y) / 2.

Lemma squared_loss_derivative y z : is_derive (squared_loss y) z (z - y).
Proof. unfold squared_loss. auto_derive; [easy | field]. Qed.

Lemma squared_slope_derivative y z : is_derive (fun t => t - y) z 1.
Proof. auto_derive; [easy | ring]. Qed.

(** Mirrors [squared.smoothness]. *)
Theorem squared_smoothness (n : nat) (x : vector n) (y row_norm : R) :
  norm x <= row_norm ->
  exists g, gradient (fun w => squared_loss y (inner x w)) g /\ smooth (row_norm ^ 2) g.
Proof.
  intros row. eexists. split; [apply gradient_of_predictor, squared_loss_derivative|].
  intros w v. rewrite <- (Rmult_1_r (row_norm ^ 2)). apply (smooth_between x row_norm row (fun z => z - y)); [lra|].
  rewrite Rmult_1_l. apply Req_le. f_equal. ring.
Qed.

(** Mirrors [squared.hessian-lipschitz]. *)
Theorem squared_hessian_lipschitz (n : nat) (x : vector n) (y : R) :
  exists g H, gradient (fun w => squared_loss y (inner x w)) g /\ hessian g H /\ lipschitz_hessian 0 H.
Proof.
  do 2 eexists. split; [apply gradient_of_predictor, squared_loss_derivative|].
  split; [apply (hessian_of_predictor x (fun z => z - y) (fun _ => 1)), squared_slope_derivative|].
  intros w v u. rewrite !Rmult_0_l.
  match goal with |- norm (?a - ?a)%V <= 0 => replace (a - a)%V with (@zero n) by coordinates end.
  rewrite norm_zero. lra.
Qed.

(** Mirrors [squared.gradient]. *)
Theorem squared_gradient (n : nat) (x : vector n) (y row_norm parameter_bound label_bound : R) :
  norm x <= row_norm -> Rabs y <= label_bound ->
  exists g, gradient (fun w => squared_loss y (inner x w)) g /\
    forall w, norm w <= parameter_bound -> norm (g w) <= row_norm * (row_norm * parameter_bound + label_bound).
Proof.
  intros row label. eexists. split; [apply gradient_of_predictor, squared_loss_derivative|].
  intros w ball. apply slope_norm; [exact row|].
  assert (Rabs (inner x w) <= row_norm * norm w) by now apply row_inner.
  assert (row_norm * norm w <= row_norm * parameter_bound) by (apply Rmult_le_compat_l; [now apply (row_norm_nonnegative x) | exact ball]).
  unfold Rminus. eapply Rle_trans; [apply Rabs_triang|]. rewrite Rabs_Ropp. lra.
Qed.

(** Mirrors [squared.self-concordance]. *)
Theorem squared_self_concordance (n : nat) (x : vector n) (y : R) :
  exists g H, gradient (fun w => squared_loss y (inner x w)) g /\ hessian g H /\
    forall w u v, exists third, is_derive (fun t => inner (H (w + t * v)%V u) u) 0 third /\
      Rabs third <= 0 * norm v * inner (H w u) u.
Proof.
  do 2 eexists. split; [apply gradient_of_predictor, squared_loss_derivative|].
  split; [apply (hessian_of_predictor x (fun z => z - y) (fun _ => 1)), squared_slope_derivative|].
  intros w u v. exists 0. split.
  - apply (is_derive_const (K := R_AbsRing) (V := R_NormedModule)).
  - rewrite Rabs_R0. lra.
Qed.

(** ** The ridge (l2/2)|w|^2 *)

(** Mirrors [ridge.strong-convexity]: weight is the decay itself, l2 a number at or below it; convex is strongly convex at 0. *)
Theorem ridge_strong_convexity (n : nat) (F : vector n -> R) (weight l2 : R) :
  l2 <= weight -> strongly_convex 0 F -> strongly_convex l2 (fun w => F w + weight / 2 * inner w w).
Proof.
  intros decay convex. apply strongly_convex_weaken with weight; [exact decay|].
  intros x y t between. specialize (convex x y t between). rewrite norm_square in *.
  rewrite !inner_add, !inner_scale, !inner_add_r, !inner_scale_r, !inner_sub, !inner_sub_r, (inner_sym y x). lra.
Qed.

(** Mirrors [ridge.parameter-bound], over records (y, x). *)
Theorem ridge_parameter_bound (n : nat) (records : list (R * vector n)) (weight l2 label_bound : R) (w : vector n) :
  0 < l2 -> l2 <= weight -> records <> nil -> 0 <= label_bound ->
  (forall r, In r records -> Rabs (fst r) <= label_bound) ->
  minimiser (fun w => mean_loss (fun r w => squared_loss (fst r) (inner (snd r) w)) records w + weight / 2 * inner w w) w ->
  norm w <= label_bound / (2 * sqrt l2).
Proof.
  intros positive decay some bounded labels best.
  assert (count : 0 < INR (length records)) by now apply count_positive.
  pose proof (stationarity _ _ _ (ridge_gradient _ _ weight (gradient_of_mean
    (fun r w => squared_loss (fst r) (inner (snd r) w)) (fun r w => (inner (snd r) w - fst r) * snd r)%V records
    (fun r => gradient_of_predictor (snd r) _ _ (squared_loss_derivative (fst r))))) best w) as balance.
  unfold mean_gradient in balance. rewrite inner_add, !inner_scale, inner_gather in balance.
  assert (each : sum (fun r => -1 * inner ((inner (snd r) w - fst r) * snd r)%V w) records <= sum (fun _ => label_bound * label_bound / 4) records).
  { apply sum_le. intros r member. specialize (labels r member). rewrite inner_scale. set (z := inner (snd r) w). set (y := fst r) in *.
    assert (y * y <= label_bound * label_bound).
    { rewrite <- (Rabs_pos_eq (y * y)), Rabs_mult by nra. apply Rmult_le_compat; try apply Rabs_pos; assumption. }
    pose proof (Rle_0_sqr (y - 2 * z)) as square. unfold Rsqr in square. lra. }
  rewrite sum_scale, sum_constant in each. set (c := INR (length records)) in *. set (pulls := sum _ records) in *.
  replace pulls with (- c * (weight * inner w w)) in each by
    (apply Rmult_eq_reg_l with (/ c); [transitivity (- (weight * inner w w)); [field; lra | lra] | apply Rinv_neq_0_compat; lra]).
  assert (whole : weight * inner w w <= label_bound * label_bound / 4) by (apply Rmult_le_reg_l with c; lra).
  assert (0 <= inner w w) by apply inner_nonnegative.
  assert (l2 * inner w w <= weight * inner w w) by now apply Rmult_le_compat_r.
  assert (0 < sqrt l2) by now apply sqrt_lt_R0. assert (root : sqrt l2 * sqrt l2 = l2) by (apply sqrt_sqrt; lra).
  apply norm_le_of_square; [apply Rmult_le_pos; [assumption | apply Rlt_le, Rinv_0_lt_compat; lra]|].
  replace (label_bound / (2 * sqrt l2) * (label_bound / (2 * sqrt l2))) with (label_bound * label_bound / 4 / (sqrt l2 * sqrt l2)) by (field; lra).
  rewrite root. apply -> Rle_div_r; [lra | assumption].
Qed.

(** ** The Huber loss of x.w - y *)

Definition huber threshold u :=
  if Rle_dec (- threshold) u then if Rle_dec u threshold then u * u / 2 else threshold * (u - threshold / 2)
  else threshold * (- u - threshold / 2).
Definition clip threshold u := Rmax (- threshold) (Rmin u threshold).

Ltac pieces := unfold huber, clip, Rmax, Rmin; repeat destruct (Rle_dec _ _); try lra.

(** A function within e^2 of a line is differentiable there. *)
Lemma derivative_within_square (f : R -> R) x l : (forall e, Rabs (f (x + e) - f x - l * e) <= e * e) -> is_derive f x l.
Proof.
  intros near. apply is_derive_Reals. intros eps positive. exists (mkposreal eps positive). intros e nonzero small. simpl in small.
  specialize (near e). assert (0 < Rabs e) by now apply Rabs_pos_lt.
  replace ((f (x + e) - f x) / e - l) with ((f (x + e) - f x - l * e) / e) by now field.
  unfold Rdiv. rewrite Rabs_mult, Rabs_inv.
  apply Rle_lt_trans with (Rabs e); [|assumption].
  apply Rmult_le_reg_r with (Rabs e); [assumption|]. rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra.
  rewrite <- Rabs_mult, (Rabs_pos_eq (e * e)) by nra. exact near.
Qed.

Lemma huber_derivative threshold u : 0 <= threshold -> is_derive (huber threshold) u (clip threshold u).
Proof.
  intros positive. apply derivative_within_square. intros e. apply Rabs_le. split; pieces; nra.
Qed.

Lemma huber_loss_derivative threshold y z : 0 <= threshold -> is_derive (fun t => huber threshold (t - y)) z (clip threshold (z - y)).
Proof.
  intros positive. replace (clip threshold (z - y)) with (1 * clip threshold (z - y)) by ring.
  apply (is_derive_comp (huber threshold) (fun t => t - y)); [now apply huber_derivative | apply squared_slope_derivative].
Qed.

(** Mirrors [huber.gradient]: t is the threshold, the number given covers it. *)
Theorem huber_gradient (n : nat) (x : vector n) (y t row_norm threshold : R) :
  norm x <= row_norm -> 0 <= t -> t <= threshold ->
  exists g, gradient (fun w => huber t (inner x w - y)) g /\ forall w, norm (g w) <= threshold * row_norm.
Proof.
  intros row positive covered. eexists. split.
  { apply (gradient_of_predictor x (fun z => huber t (z - y)) (fun z => clip t (z - y))). intros z. now apply huber_loss_derivative. }
  intros w. rewrite Rmult_comm. apply slope_norm; [exact row|]. apply Rabs_le. split; pieces.
Qed.

(** Mirrors [huber.smoothness]. *)
Theorem huber_smoothness (n : nat) (x : vector n) (y t row_norm : R) :
  norm x <= row_norm -> 0 <= t ->
  exists g, gradient (fun w => huber t (inner x w - y)) g /\ smooth (row_norm ^ 2) g.
Proof.
  intros row positive. eexists. split.
  { apply (gradient_of_predictor x (fun z => huber t (z - y)) (fun z => clip t (z - y))). intros z. now apply huber_loss_derivative. }
  intros w v. rewrite <- (Rmult_1_r (row_norm ^ 2)). apply (smooth_between x row_norm row (fun z => clip t (z - y))); [lra|].
  rewrite Rmult_1_l. set (a := inner x w). set (b := inner x v). unfold Rabs. destruct (Rcase_abs (a - b)), (Rcase_abs _); pieces.
Qed.

(** ** The Poisson loss exp(x.w) - y x.w where predictors are bounded *)

Definition poisson_loss y z := exp z - y * z.

Lemma poisson_loss_derivative y z : is_derive (poisson_loss y) z (exp z - y).
Proof. unfold poisson_loss. auto_derive; [easy | ring]. Qed.

Lemma poisson_slope_derivative y z : is_derive (fun t => exp t - y) z (exp z).
Proof. auto_derive; [easy | ring]. Qed.

Lemma exp_increases a b : a <= b -> exp a <= exp b.
Proof. intros [less | ->]; [apply Rlt_le; now apply exp_increasing | lra]. Qed.

Lemma exp_between a b top : a <= top -> b <= top -> Rabs (exp a - exp b) <= exp top * Rabs (a - b).
Proof.
  assert (ordered : forall a b, b <= a -> a <= top -> exp a - exp b <= exp top * (a - b)).
  { clear a b. intros a b order below.
    assert (exp a * (1 + (b - a)) <= exp b).
    { replace b with (a + (b - a)) at 2 by ring. rewrite exp_plus. apply Rmult_le_compat_l; [apply Rlt_le, exp_pos | apply exp_ineq1_le]. }
    assert (exp a * (a - b) <= exp top * (a - b)) by (apply Rmult_le_compat_r; [lra | now apply exp_increases]). lra. }
  intros first second. destruct (Rle_lt_dec b a) as [order|order].
  - pose proof (exp_increases b a order). rewrite !Rabs_pos_eq by lra. now apply ordered.
  - pose proof (exp_increases a b ltac:(lra)). rewrite (Rabs_minus_sym (exp a)), (Rabs_minus_sym a), !Rabs_pos_eq by lra.
    apply ordered; lra.
Qed.

(** Mirrors [poisson.gradient]. *)
Theorem poisson_gradient (n : nat) (x : vector n) (y row_norm predictor_bound label_bound : R) :
  norm x <= row_norm -> 0 <= y <= label_bound ->
  exists g, gradient (fun w => poisson_loss y (inner x w)) g /\
    forall w, inner x w <= predictor_bound -> norm (g w) <= row_norm * Rmax (exp predictor_bound) label_bound.
Proof.
  intros row label. eexists. split; [apply gradient_of_predictor, poisson_loss_derivative|].
  intros w predictor. apply slope_norm; [exact row|].
  assert (0 < exp (inner x w)) by apply exp_pos. assert (exp (inner x w) <= exp predictor_bound) by now apply exp_increases.
  assert (exp predictor_bound <= Rmax (exp predictor_bound) label_bound) by apply Rmax_l.
  assert (label_bound <= Rmax (exp predictor_bound) label_bound) by apply Rmax_r. apply Rabs_le. lra.
Qed.

(** Mirrors [poisson.smoothness]. *)
Theorem poisson_smoothness (n : nat) (x : vector n) (y row_norm predictor_bound : R) :
  norm x <= row_norm ->
  exists g, gradient (fun w => poisson_loss y (inner x w)) g /\
    forall w v, inner x w <= predictor_bound -> inner x v <= predictor_bound ->
      norm (g w - g v)%V <= row_norm ^ 2 * exp predictor_bound * norm (w - v)%V.
Proof.
  intros row. eexists. split; [apply gradient_of_predictor, poisson_loss_derivative|].
  intros w v first second. apply (smooth_between x row_norm row (fun z => exp z - y)); [apply Rlt_le, exp_pos|].
  replace (exp (inner x w) - y - (exp (inner x v) - y)) with (exp (inner x w) - exp (inner x v)) by ring. now apply exp_between.
Qed.

(** Mirrors [poisson.hessian-lipschitz]. *)
Theorem poisson_hessian_lipschitz (n : nat) (x : vector n) (y row_norm predictor_bound : R) :
  norm x <= row_norm ->
  exists g H, gradient (fun w => poisson_loss y (inner x w)) g /\ hessian g H /\
    forall w v u, inner x w <= predictor_bound -> inner x v <= predictor_bound ->
      norm (H w u - H v u)%V <= row_norm ^ 3 * exp predictor_bound * norm (w - v)%V * norm u.
Proof.
  intros row. do 2 eexists. split; [apply gradient_of_predictor, poisson_loss_derivative|].
  split; [apply (hessian_of_predictor x (fun z => exp z - y) exp), poisson_slope_derivative|].
  intros w v u first second. apply (hessian_between x row_norm row exp); [apply Rlt_le, exp_pos | now apply exp_between].
Qed.
