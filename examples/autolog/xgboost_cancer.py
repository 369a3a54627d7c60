import xgboost as xgb
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
dtrain = xgb.DMatrix(X_train, y_train)
dtest = xgb.DMatrix(X_test, y_test)
booster = xgb.train(
    {"max_depth": 3, "objective": "binary:logistic", "eval_metric": "logloss"},
    dtrain,
    num_boost_round=30,
    evals=[(dtrain, "train"), (dtest, "test")],
    early_stopping_rounds=5,
    verbose_eval=False,
)
print(f1_score(y_test, booster.predict(dtest) > 0.5))
